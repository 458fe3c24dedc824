/* SPDX-License-Identifier: Apache-2.0 */
/* test_plugin.c - what is opened as a backend, and what is refused because it was built for something else. */
#include "engine/devices.h"
#include "support.h"

#define PLUGIN(name) TSM_FAKE_PLUGINS "/fake_plugin_" name ".so"

START_TEST(fitting)
{
    const tsm_backend *backend = NULL;
    tsm_error error;

    assert_ok(tsm_plugin_open(&backend, PLUGIN("fits"), "tsm_fake_backend", NULL, &error), &error);
    ck_assert_str_eq(backend->name, "fake");
}
END_TEST

/* The text names the file and both numbers. */
static void refuse(const char *file, const char *entry, const char *names)
{
    const tsm_backend *backend = (const tsm_backend *)file;
    tsm_error error;

    assert_error(tsm_plugin_open(&backend, file, entry, NULL, &error), &error, TSM_ERROR_DEVICE, names);
    ck_assert_ptr_nonnull(strstr(error.text, strrchr(file, '/') + 1));
    ck_assert_ptr_null(backend);
}

START_TEST(refused)
{
    char text[200];

    snprintf(text, sizeof text, "was built for interface %d, this libtsm has %d", TSM_BACKEND_ABI - 1,
             TSM_BACKEND_ABI);
    refuse(PLUGIN("older"), "tsm_fake_backend", text);
    snprintf(text, sizeof text, "was built for interface %d with structs of %zu,%zu,%zu,", TSM_BACKEND_ABI,
             sizeof(tsm_backend), sizeof(tsm_backend_config), sizeof(tsm_node) + 8);
    refuse(PLUGIN("larger"), "tsm_fake_backend", text);
    refuse(PLUGIN("fits"), "tsm_empty_backend", "offers no backend");
    refuse(PLUGIN("fits"), "tsm_other_backend", "has no tsm_other_backend");
    refuse("/nowhere/libtsm_fake.so", "tsm_fake_backend", "cannot open");
}
END_TEST

/* The file that is looked for carries the number. */
START_TEST(name_of_the_file)
{
    const tsm_device_kind kind = { "nothing", NULL, NULL, false, false };
    const tsm_backend *backend;
    char text[80];
    tsm_error error;

    snprintf(text, sizeof text, "nothing: libtsm_nothing-abi%d.so", TSM_BACKEND_ABI);
    assert_error(tsm_device_backend(&backend, &kind, &error), &error, TSM_ERROR_DEVICE, text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plugin");
    TCase *opening = tcase_create("opening");

    tcase_add_test(opening, fitting);
    tcase_add_test(opening, refused);
    tcase_add_test(opening, name_of_the_file);
    suite_add_tcase(suite, opening);
    return run_suite(suite);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - see check.h. */
#include "check.h"

#include <stdarg.h>

static int made, failed;

bool small_sizes, plain, on_wgmma;

const char *const precision_names[] = { "fp32", "tf32", "fp16", "bf16", "int8", "fp8" };
const char *const method_names[] = { "auto", "copy", "overlap", "inplace", "gather" };

bool check(bool ok, const char *name, const char *format, ...)
{
    va_list arguments;

    made++;
    if (ok) return true;
    failed++;
    printf("FAILED %s: ", name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    return false;
}

bool check_ok(tsm_status status, const tsm_error *error, const char *name)
{
    return check(status == TSM_OK, name, "%s", status == TSM_OK ? "" : error->text);
}

bool check_refused(tsm_status status, const tsm_error *error, tsm_status code, const char *word, const char *name)
{
    if (!check(status == code, name, "status %d, want %d (%s)", (int)status, (int)code, error->text)) return false;
    return check(strstr(error->text, word) && !strchr(error->text, '\n'), name, "\"%s\" does not name \"%s\"",
                 error->text, word);
}

bool check_cuda(cudaError_t code, const char *name)
{
    return check(code == cudaSuccess, name, "%s", cudaGetErrorString(code));
}

int checks_made(void)
{
    return made;
}

int checks_failed(void)
{
    return failed;
}

tsm_backend_config make_config(tsm_precision precision, tsm_shift_method method)
{
    return (
        tsm_backend_config){ .precision = precision, .shift_method = method, .graphs = !plain, .wgmma = on_wgmma };
}

tsm_backend_config make_tuned_config(tsm_precision precision, tsm_shift_method method)
{
    tsm_backend_config config = make_config(precision, method);

    config.tune = !small_sizes || (method != TSM_SHIFT_AUTO && method != TSM_SHIFT_GATHER);
    return config;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fake_library.c - a library that a plugin needs; FAKE_FUNCTION says which place it was built for. */
__attribute__((visibility("default"))) const char *FAKE_FUNCTION(void);

const char *FAKE_FUNCTION(void)
{
    return FAKE_PLACE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* abi_real.c - the table of abi_table.h with CUDA's headers. */
#include <stddef.h>

#define ABI_TABLE abi_real
#define ABI_COUNT abi_real_count
#include "abi_table.h"

/* SPDX-License-Identifier: Apache-2.0 */
/* abi_sim.c - the table of abi_table.h with the headers of the simulation. */
#include <stddef.h>

#define ABI_TABLE abi_sim
#define ABI_COUNT abi_sim_count
#include "abi_table.h"

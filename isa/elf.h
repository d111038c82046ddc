/*
 * elf.h -- what the writer and the reader of program files share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_ELF_H
#define SYSTOLE_ISA_ELF_H

#include <elf.h>
#include <stdint.h>

/* Segment type of DRAM contents: the "SY" of our own. */
#define ELF_PT_DRAM ((uint32_t)PT_LOOS + 0x5359)

#define ELF_DRAM_PREFIX  ".systole.dram."
#define ELF_NOTE_SECTION ".note.systole"
#define ELF_NOTE_NAME    "systole"
enum { ELF_NOTE_HASHES = 1, ELF_NOTE_CONFIG = 2 };

#endif

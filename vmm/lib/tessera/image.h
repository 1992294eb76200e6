/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Guest images: a 64-bit little-endian ELF file for AArch64, or a flat file.
 *
 * Parsing is pure and takes any bytes: what an ELF header claims is checked
 * against the file's size and against overflow before it is believed. Loading
 * writes through tsr_ram_write(), which refuses what is not RAM.
 *
 * Invariant: the pieces of a parsed image lie inside the file, none is larger
 * in the file than in memory, and none wraps.
 */
#ifndef TESSERA_IMAGE_H
#define TESSERA_IMAGE_H

#include "tessera/ram.h"

#define TSR_IMAGE_PIECES_MAX 16

struct tsr_image_piece {
	uint64_t gpa;
	uint64_t offset;	   /* in the file */
	uint64_t file_size;	   /* bytes of it in the file; zeroes follow */
	uint64_t size;		   /* bytes in memory */
	bool executable, writable; /* as its file says; a flat file is both */
};

struct tsr_image {
	struct tsr_image_piece pieces[TSR_IMAGE_PIECES_MAX];
	size_t count;
	uint64_t entry; /* guest-physical */
};

/*
 * @flat_gpa: where a file that is not ELF is loaded and entered.
 *
 * Errors, explained in @why: -ENOEXEC for an empty file, or an ELF file that
 * is not for AArch64, malformed, or has no or too many pieces to load.
 */
int tsr_image_parse(const void *data, size_t size, uint64_t flat_gpa, struct tsr_image *image,
		    struct tsr_why *why);

/*
 * Errors, explained in @why: -EFAULT if a piece is not in the guest's memory;
 * others of tsr_ram_write().
 */
int tsr_image_load(const struct tsr_image *image, const void *data, struct tsr_ram *ram,
		   struct tsr_why *why);

/*
 * Reads a whole file; free() *@data.
 *
 * Errors, explained in @why: those of open() and read(), -ENOMEM; -EFBIG for
 * more than 1 GiB.
 */
int tsr_file_read(const char *path, void **data, size_t *size, struct tsr_why *why);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tessera/image.h"

#define FILE_SIZE_MAX (INT64_C(1) << 30)

static int malformed(struct tsr_why *why, const char *what)
{
	return tsr_because(why, -ENOEXEC, "The image is an ELF file that cannot be used: %s.",
			   what);
}

static int check_header(const Elf64_Ehdr *header, size_t size, struct tsr_why *why)
{
	uint64_t table;

	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_AARCH64)
		return malformed(why, "it is not 64-bit little-endian code for AArch64");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return malformed(why, "it is not linked to be run (an object file?)");
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return malformed(why, "its program headers have an unknown size");
	if (__builtin_add_overflow(header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr),
				   &table) ||
	    table > size)
		return malformed(why, "its program headers lie outside the file");
	return 0;
}

static int check_segment(const Elf64_Phdr *segment, size_t size, struct tsr_why *why)
{
	uint64_t end;

	if (__builtin_add_overflow(segment->p_offset, segment->p_filesz, &end) || end > size)
		return malformed(why, "a segment lies outside the file");
	if (segment->p_filesz > segment->p_memsz)
		return malformed(why, "a segment is larger in the file than in memory");
	if (__builtin_add_overflow(segment->p_paddr, segment->p_memsz, &end))
		return malformed(why, "a segment wraps around the address space");
	return 0;
}

static int add_segment(const Elf64_Phdr *segment, uint64_t entry, struct tsr_image *image,
		       struct tsr_why *why)
{
	if (image->count == TSR_IMAGE_PIECES_MAX)
		return malformed(why, "it has more than 16 segments to load");
	image->pieces[image->count++] = (struct tsr_image_piece){
		.gpa = segment->p_paddr,
		.offset = segment->p_offset,
		.file_size = segment->p_filesz,
		.size = segment->p_memsz,
		.executable = segment->p_flags & PF_X,
		.writable = segment->p_flags & PF_W,
	};
	/* The entry is a virtual address, and the MMU is off when the guest starts there. */
	if (entry >= segment->p_vaddr && entry - segment->p_vaddr < segment->p_memsz)
		image->entry = segment->p_paddr + (entry - segment->p_vaddr);
	return 0;
}

static int parse_elf(const unsigned char *data, size_t size, struct tsr_image *image,
		     struct tsr_why *why)
{
	Elf64_Ehdr header;
	int error;

	if (size < sizeof(header))
		return malformed(why, "it ends within its header");
	memcpy(&header, data, sizeof(header));
	error = check_header(&header, size, why);
	image->entry = header.e_entry;
	for (unsigned int i = 0; !error && i < header.e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, data + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD || !segment.p_memsz)
			continue;
		error = check_segment(&segment, size, why);
		if (!error)
			error = add_segment(&segment, header.e_entry, image, why);
	}
	if (!error && !image->count)
		error = malformed(why, "it has nothing to load");
	return error;
}

int tsr_image_parse(const void *data, size_t size, uint64_t flat_gpa, struct tsr_image *image,
		    struct tsr_why *why)
{
	memset(image, 0, sizeof(*image));
	if (!size)
		return tsr_because(why, -ENOEXEC, "The image is an empty file.");
	if (size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG))
		return parse_elf(data, size, image, why);
	image->entry = flat_gpa;
	image->count = 1;
	image->pieces[0] = (struct tsr_image_piece){
		.gpa = flat_gpa,
		.file_size = size,
		.size = size,
		.executable = true,
		.writable = true,
	};
	return 0;
}

static int clear(struct tsr_ram *ram, uint64_t gpa, uint64_t size)
{
	static const unsigned char zeroes[TSR_PAGE_SIZE];

	while (size) {
		uint64_t piece = size < sizeof(zeroes) ? size : sizeof(zeroes);
		int error = tsr_ram_write(ram, gpa, zeroes, piece);

		if (error)
			return error;
		gpa += piece;
		size -= piece;
	}
	return 0;
}

int tsr_image_load(const struct tsr_image *image, const void *data, struct tsr_ram *ram,
		   struct tsr_why *why)
{
	for (size_t i = 0; i < image->count; i++) {
		const struct tsr_image_piece *piece = &image->pieces[i];
		int error =
			tsr_ram_write(ram, piece->gpa, (const unsigned char *)data + piece->offset,
				      piece->file_size);

		if (!error)
			error = clear(ram, piece->gpa + piece->file_size,
				      piece->size - piece->file_size);
		if (error && error != -EFAULT)
			return tsr_because(why, error,
					   "The image cannot be stored at 0x%" PRIx64
					   ": memory there could not be read: %s.",
					   piece->gpa, strerror(-error));
		if (error)
			return tsr_because(why, error,
					   "The image wants %" PRIu64 " bytes at 0x%" PRIx64
					   ", which is not all guest memory. Give the guest memory "
					   "there (--ram), or link the image elsewhere.",
					   piece->size, piece->gpa);
	}
	return 0;
}

static int read_all(int fd, unsigned char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t piece = read(fd, data + done, size - done);

		if (piece < 0 && errno == EINTR)
			continue;
		if (piece <= 0)
			return piece ? -errno : -EIO;
		done += (size_t)piece;
	}
	return 0;
}

int tsr_file_read(const char *path, void **data, size_t *size, struct tsr_why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;
	int error = 0;

	if (fd < 0)
		return tsr_because(why, -errno, "Cannot open the image %s: %s.", path,
				   strerror(errno));
	*data = NULL;
	if (fstat(fd, &stat))
		error = -errno;
	else if (!S_ISREG(stat.st_mode))
		error = -EINVAL;
	else if (stat.st_size > FILE_SIZE_MAX)
		error = -EFBIG;
	if (!error) {
		*size = (size_t)stat.st_size;
		*data = malloc(*size + 1);
		error = *data ? read_all(fd, *data, *size) : -ENOMEM;
	}
	close(fd);
	if (!error)
		return 0;
	free(*data);
	return tsr_because(why, error, "Cannot read the image %s: %s.", path, strerror(-error));
}

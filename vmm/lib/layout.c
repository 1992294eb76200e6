/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/layout.h"

static int suffix_shift(char suffix)
{
	switch (suffix) {
	case 'k':
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return 0;
	}
}

int tsr_number_parse(const char *text, uint64_t *value, const char **end)
{
	unsigned long long number;
	char *after;
	int shift;

	/* strtoull() takes leading blanks and signs; a size has neither. */
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &after, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	if (errno)
		return -ERANGE;
	shift = suffix_shift(*after);
	if (shift)
		after++;
	if (*after && *after != ':')
		return -EINVAL;
	if (shift && number >> (64 - shift))
		return -ERANGE;
	*value = (uint64_t)number << shift;
	if (end)
		*end = after;
	return 0;
}

int tsr_range_parse(const char *text, struct tsr_range *range, const char **end,
		    struct tsr_why *why)
{
	uint64_t start, size;
	const char *rest = text;
	int error;

	error = tsr_number_parse(text, &start, &rest);
	if (!error)
		error = *rest == ':' ? tsr_number_parse(rest + 1, &size, &rest) : -EINVAL;
	if (!error && (start | size) & (TSR_PAGE_SIZE - 1))
		error = -EINVAL;
	if (!error)
		error = tsr_range_make(start, size, range);
	*end = rest;
	if (!error)
		return 0;
	return tsr_because(why, error,
			   "\"%s\" does not begin with ADDR:SIZE, whole pages of 4096 bytes.",
			   text);
}

static int parse_file(const char *text, struct tsr_ram_spec *spec, struct tsr_why *why)
{
	static const struct {
		const char *suffix;
		enum tsr_ram_kind kind;
		bool exclusive;
	} ways[] = {
		{ ",private", TSR_RAM_FILE_PRIVATE, false },
		{ ",shared", TSR_RAM_FILE_SHARED, false },
		{ ",exclusive", TSR_RAM_FILE_SHARED, true },
	};
	size_t length = strlen(text);

	spec->kind = TSR_RAM_FILE_PRIVATE;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		size_t tail = strlen(ways[i].suffix);

		if (length < tail || strcmp(text + length - tail, ways[i].suffix))
			continue;
		spec->kind = ways[i].kind;
		spec->exclusive = ways[i].exclusive;
		length -= tail;
		break;
	}
	if (!length || length >= sizeof(spec->path))
		return tsr_because(
			why, -EINVAL,
			"The file name in \"file=%s\" is empty or longer than %zu bytes.", text,
			sizeof(spec->path) - 1);
	memcpy(spec->path, text, length);
	spec->path[length] = '\0';
	return 0;
}

static int parse_kind(const char *text, struct tsr_ram_spec *spec, struct tsr_why *why)
{
	if (!strcmp(text, "anon")) {
		spec->kind = TSR_RAM_ANON;
		return 0;
	}
	if (!strcmp(text, "memfd")) {
		spec->kind = TSR_RAM_MEMFD;
		return 0;
	}
	if (!strncmp(text, "file=", 5))
		return parse_file(text + 5, spec, why);
	return tsr_because(why, -EINVAL,
			   "\"%s\" is no kind of memory: use anon, memfd or file=PATH.", text);
}

int tsr_ram_spec_parse(const char *text, uint64_t default_start, struct tsr_ram_spec *spec,
		       struct tsr_why *why)
{
	uint64_t start = default_start, size;
	const char *rest = text;
	int error;

	memset(spec, 0, sizeof(*spec));
	spec->kind = TSR_RAM_ANON;
	error = tsr_number_parse(rest, &size, &rest);
	if (!error && *rest == ':' && isdigit((unsigned char)rest[1])) {
		start = size;
		error = tsr_number_parse(rest + 1, &size, &rest);
	}
	if (error)
		return tsr_because(why, error,
				   "\"%s\" is not [ADDR:]SIZE[:KIND]; sizes are numbers such as "
				   "0x80000000, 64M or 1G.",
				   text);
	if ((start | size) & (TSR_PAGE_SIZE - 1))
		return tsr_because(
			why, -EINVAL,
			"The memory \"%s\" does not start and end on a page of 4096 bytes.", text);
	error = tsr_range_make(start, size, &spec->gpa);
	if (error)
		return tsr_because(why, error, "The memory \"%s\" is empty or wraps around.", text);
	return *rest ? parse_kind(rest + 1, spec, why) : 0;
}

static int check_overlap(struct tsr_range a, struct tsr_range b, const char *what,
			 struct tsr_why *why)
{
	if (!tsr_range_overlaps(a, b))
		return 0;
	return tsr_because(why, -EINVAL,
			   "The memory at 0x%" PRIx64 " overlaps %s at 0x%" PRIx64
			   ". Give it another address.",
			   a.start, what, b.start);
}

int tsr_layout_check(const struct tsr_ram_spec *specs, size_t count,
		     const struct tsr_range *reserved, size_t reserved_count,
		     unsigned int *address_bits, struct tsr_why *why)
{
	uint64_t last = 0;
	int error = 0;

	if (!count || count > TSR_RAM_REGIONS_MAX)
		return tsr_because(why, -EINVAL, "A VM has 1 to %d regions of memory, not %zu.",
				   TSR_RAM_REGIONS_MAX, count);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; !error && j < i; j++)
			error = check_overlap(specs[i].gpa, specs[j].gpa, "other memory", why);
		for (size_t j = 0; !error && j < reserved_count; j++)
			error = check_overlap(specs[i].gpa, reserved[j], "the VMM's devices", why);
		if (error)
			return error;
		if (specs[i].gpa.end - 1 > last)
			last = specs[i].gpa.end - 1;
	}
	*address_bits = last ? 64 - (unsigned int)__builtin_clzll(last) : 0;
	return 0;
}

const char *tsr_ram_kind_name(enum tsr_ram_kind kind)
{
	switch (kind) {
	case TSR_RAM_ANON:
		return "anonymous memory";
	case TSR_RAM_MEMFD:
		return "memfd";
	case TSR_RAM_FILE_PRIVATE:
		return "private file mapping";
	case TSR_RAM_FILE_SHARED:
		return "shared file mapping";
	}
	return "unknown memory";
}

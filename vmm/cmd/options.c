/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "options.h"
#include "pl011.h"
#include "tessera/fault.h"
#include "tessera/lazy.h"

enum option_id {
	OPTION_RAM = 1,
	OPTION_VCPUS,
	OPTION_MTE,
	OPTION_TAGS,
	OPTION_TAG_FAULT,
	OPTION_UNIT,
	OPTION_SLOT_FLAGS,
	OPTION_RESET,
	OPTION_INPUT,
	OPTION_TIMELINE,
	OPTION_STATS,
	OPTION_DEVICE,
	OPTION_LAZY,
	OPTION_LAZY_WINDOW,
	OPTION_ENTRY,
	OPTION_WATCH,
	OPTION_WATCH_EVERY,
	OPTION_PROTECT,
	OPTION_TEXT_FAULT,
	OPTION_SOCKET,
	OPTION_PRIVATE,
};

static const struct option option_table[] = {
	{ "ram", required_argument, NULL, OPTION_RAM },
	{ "vcpus", required_argument, NULL, OPTION_VCPUS },
	{ "mte", no_argument, NULL, OPTION_MTE },
	{ "tags", required_argument, NULL, OPTION_TAGS },
	{ "on-tag-fault", required_argument, NULL, OPTION_TAG_FAULT },
	{ "promote-unit", required_argument, NULL, OPTION_UNIT },
	{ "slot-flags", required_argument, NULL, OPTION_SLOT_FLAGS },
	{ "on-reset", required_argument, NULL, OPTION_RESET },
	{ "console-input", no_argument, NULL, OPTION_INPUT },
	{ "timeline", no_argument, NULL, OPTION_TIMELINE },
	{ "stats", no_argument, NULL, OPTION_STATS },
	{ "device", required_argument, NULL, OPTION_DEVICE },
	{ "lazy", required_argument, NULL, OPTION_LAZY },
	{ "lazy-window", required_argument, NULL, OPTION_LAZY_WINDOW },
	{ "entry", required_argument, NULL, OPTION_ENTRY },
	{ "watch", required_argument, NULL, OPTION_WATCH },
	{ "watch-every", required_argument, NULL, OPTION_WATCH_EVERY },
	{ "protect-text", required_argument, NULL, OPTION_PROTECT },
	{ "on-text-fault", required_argument, NULL, OPTION_TEXT_FAULT },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "private", required_argument, NULL, OPTION_PRIVATE },
	{ NULL, 0, NULL, 0 },
};

struct choice {
	const char *name;
	uint64_t value;
};

static const struct choice tag_times[] = {
	{ "lazy", TAGS_LAZY },
	{ "eager", TAGS_EAGER },
	{ NULL, 0 },
};

static const struct choice tag_policies[] = {
	{ "promote", TAG_PROMOTE },
	{ "inject", TAG_INJECT },
	{ "stop", TAG_STOP },
	{ NULL, 0 },
};

static const struct choice text_policies[] = {
	{ "stop", TEXT_STOP },
	{ "inject", TEXT_INJECT },
	{ NULL, 0 },
};

static const struct choice units[] = {
	{ "page", TSR_PAGE_SIZE },
	{ "2m", TSR_BLOCK_SIZE },
	{ NULL, 0 },
};

/* Follows --on-tag-fault, wherever that stands, so it is settled last. */
#define SLOT_AUTO UINT64_MAX

static const struct choice slot_policies[] = {
	{ "auto", SLOT_AUTO },
	{ "none", TSR_SLOT_NONE },
	{ "optional", TSR_SLOT_OPTIONAL },
	{ "touch", TSR_SLOT_ON_TOUCH },
	{ NULL, 0 },
};

static const struct choice resets[] = {
	{ "exit", false },
	{ "reboot", true },
	{ NULL, 0 },
};

static int choose(const char *option, const struct choice *choices, uint64_t *value,
		  struct tsr_why *why)
{
	size_t used = 0;
	char names[80] = "";

	for (const struct choice *choice = choices; choice->name; choice++) {
		if (!strcmp(optarg, choice->name)) {
			*value = choice->value;
			return 0;
		}
		used += (size_t)snprintf(names + used, sizeof(names) - used, " %s", choice->name);
	}
	return tsr_because(why, -EINVAL, "%s does not take \"%s\"; it takes one of:%s.", option,
			   optarg, names);
}

static int parse_ram(struct run_options *options, struct tsr_why *why)
{
	uint64_t start = RAM_GPA;

	if (options->ram_count == TSR_RAM_REGIONS_MAX)
		return tsr_because(why, -EINVAL, "More than %d regions of memory (--ram).",
				   TSR_RAM_REGIONS_MAX);
	/* Without an address a region follows the one before it. */
	if (options->ram_count)
		start = options->ram[options->ram_count - 1].gpa.end;
	return tsr_ram_spec_parse(optarg, start, &options->ram[options->ram_count++], why);
}

static int parse_vcpus(struct run_options *options, struct tsr_why *why)
{
	uint64_t count;
	const char *end;

	if (tsr_number_parse(optarg, &count, &end) || *end || !count || count > VCPUS_MAX)
		return tsr_because(why, -EINVAL, "--vcpus takes a number from 1 to %d, not \"%s\".",
				   VCPUS_MAX, optarg);
	options->vcpus = (unsigned int)count;
	return 0;
}

static int parse_number(const char *option, uint64_t *value, struct tsr_why *why)
{
	const char *end;

	if (!tsr_number_parse(optarg, value, &end) && !*end)
		return 0;
	return tsr_because(why, -EINVAL, "%s takes a number, not \"%s\".", option, optarg);
}

static int parse_entry(struct run_options *options, struct tsr_why *why)
{
	options->has_entry = true;
	return parse_number("--entry", &options->entry, why);
}

static int parse_lazy_window(struct run_options *options, struct tsr_why *why)
{
	uint64_t window = 0;
	int error = parse_number("--lazy-window", &window, why);

	if (!error && (!window || window % TSR_PAGE_SIZE || window > TSR_LAZY_WINDOW_MAX))
		error = tsr_because(why, -EINVAL,
				    "--lazy-window takes a multiple of 4096 bytes, 64M at most, "
				    "not \"%s\"; 4k fetches pages one by one.",
				    optarg);
	options->lazy_window = window;
	return error;
}

static int parse_watch_every(struct run_options *options, struct tsr_why *why)
{
	uint64_t every = 0;
	int error = parse_number("--watch-every", &every, why);

	if (!error && every && (every < WATCH_SOONEST || every > INT32_MAX))
		error = tsr_because(
			why, -ERANGE,
			"--watch-every takes 0 or at least %d milliseconds: a guest has "
			"to get on in between.",
			WATCH_SOONEST);
	options->watch_every = (unsigned int)every;
	return error;
}

/* Each of r, w, x and t at most once, and at least one of them. */
static bool parse_kinds(const char *text, uint64_t *needs)
{
	static const char letters[] = "rwxt";
	static const uint64_t meanings[] = {
		TSR_FAULT_READ,
		TSR_FAULT_WRITE,
		TSR_FAULT_EXEC,
		TSR_FAULT_TAG,
	};

	for (*needs = 0; *text; text++) {
		const char *letter = strchr(letters, *text);

		if (!letter || *needs & meanings[letter - letters])
			return false;
		*needs |= meanings[letter - letters];
	}
	return *needs != 0;
}

static int parse_watch(struct run_options *options, struct tsr_why *why)
{
	struct range_option *watch = &options->watches[options->watch_count];
	const char *rest;
	int error;

	if (options->watch_count++ == RANGES_MAX)
		return tsr_because(why, -EINVAL, "More than %d watches (--watch).", RANGES_MAX);
	error = tsr_range_parse(optarg, &watch->gpa, &rest, why);
	if (error)
		return error;
	if (*rest == ':' && parse_kinds(rest + 1, &watch->needs))
		return 0;
	return tsr_because(why, -EINVAL,
			   "\"%s\" does not say what to watch for: ADDR:SIZE:KINDS has some of "
			   "r, w, x and t at its end.",
			   optarg);
}

static int parse_protect(struct run_options *options, struct tsr_why *why)
{
	struct range_option *text = &options->texts[options->text_count];
	const char *rest;
	int error = 0;

	if (options->text_count++ == RANGES_MAX)
		return tsr_because(why, -EINVAL, "More than %d ranges of code (--protect-text).",
				   RANGES_MAX);
	if (!strncmp(optarg, "auto", 4))
		rest = optarg + 4;
	else
		error = tsr_range_parse(optarg, &text->gpa, &rest, why);
	if (error)
		return error;
	text->needs = TSR_FAULT_WRITE;
	if (!strcmp(rest, ":x"))
		text->needs |= TSR_FAULT_READ;
	else if (*rest)
		return tsr_because(why, -EINVAL,
				   "\"%s\" is neither auto nor ADDR:SIZE, with :x behind it for "
				   "code that may not be read either.",
				   optarg);
	return 0;
}

static int parse_private(struct run_options *options, struct tsr_why *why)
{
	struct tsr_range *gpa = &options->privates[options->private_count];
	const char *rest;
	int error;

	if (!strcmp(optarg, "all")) {
		options->private_all = true;
		return 0;
	}
	if (options->private_count == TSR_RAM_REGIONS_MAX)
		return tsr_because(why, -EINVAL,
				   "More than %d ranges of private memory (--private).",
				   TSR_RAM_REGIONS_MAX);
	error = tsr_range_parse(optarg, gpa, &rest, why);
	if (error)
		return error;
	options->private_count++;
	if (*rest)
		return tsr_because(why, -EINVAL, "\"%s\" is neither all nor ADDR:SIZE (--private).",
				   optarg);
	return 0;
}

static int parse_tags(struct run_options *options, struct tsr_why *why)
{
	uint64_t value = 0;
	int error = choose("--tags", tag_times, &value, why);

	options->tags = (enum tags_when)value;
	return error;
}

static int parse_option(enum option_id id, struct run_options *options, uint64_t *slots,
			struct tsr_why *why)
{
	uint64_t value = 0;
	int error = 0;

	switch (id) {
	case OPTION_RAM:
		return parse_ram(options, why);
	case OPTION_VCPUS:
		return parse_vcpus(options, why);
	case OPTION_MTE:
		options->mte = true;
		return 0;
	case OPTION_TAG_FAULT:
		error = choose("--on-tag-fault", tag_policies, &value, why);
		options->tag_policy = (enum tag_policy)value;
		return error;
	case OPTION_TAGS:
		return parse_tags(options, why);
	case OPTION_UNIT:
		return choose("--promote-unit", units, &options->unit, why);
	case OPTION_SLOT_FLAGS:
		return choose("--slot-flags", slot_policies, slots, why);
	case OPTION_RESET:
		error = choose("--on-reset", resets, &value, why);
		options->reboot = value;
		return error;
	case OPTION_INPUT:
		options->console_input = true;
		return 0;
	case OPTION_TIMELINE:
		options->timeline = true;
		return 0;
	case OPTION_STATS:
		options->stats = true;
		return 0;
	case OPTION_DEVICE:
		options->device = optarg;
		return 0;
	case OPTION_LAZY:
		options->lazy = optarg;
		return 0;
	case OPTION_LAZY_WINDOW:
		return parse_lazy_window(options, why);
	case OPTION_ENTRY:
		return parse_entry(options, why);
	case OPTION_WATCH:
		return parse_watch(options, why);
	case OPTION_WATCH_EVERY:
		return parse_watch_every(options, why);
	case OPTION_PROTECT:
		return parse_protect(options, why);
	case OPTION_TEXT_FAULT:
		error = choose("--on-text-fault", text_policies, &value, why);
		options->text_policy = (enum text_policy)value;
		return error;
	case OPTION_SOCKET:
		options->socket = optarg;
		return 0;
	case OPTION_PRIVATE:
		return parse_private(options, why);
	}
	return tsr_because(why, -EINVAL, "An option is unknown, or lacks its value.");
}

static enum tsr_slot_policy settle_slots(const struct run_options *options, uint64_t slots)
{
	if (slots != SLOT_AUTO)
		return (enum tsr_slot_policy)slots;
	return options->tag_policy == TAG_PROMOTE ? TSR_SLOT_PROMOTE : TSR_SLOT_TAG_ONLY;
}

static int parse_operands(int argc, char **argv, struct run_options *options, struct tsr_why *why)
{
	if (!options->has_entry && optind >= argc)
		return tsr_because(why, -EINVAL, "No image to run was named.");
	/* With --entry the program is in memory already, brought by a file. */
	if (!options->has_entry)
		options->image = argv[optind++];
	if (argc - optind > ARGUMENTS_MAX)
		return tsr_because(why, -EINVAL, "At most %d numbers may follow the image.",
				   ARGUMENTS_MAX);
	while (optind < argc) {
		const char *text = argv[optind++], *end;

		if (tsr_number_parse(text, &options->arguments[options->argument_count++], &end) ||
		    *end)
			return tsr_because(why, -EINVAL,
					   "\"%s\", given for the guest, is no number.", text);
	}
	return 0;
}

static bool in_memory(const struct run_options *options, struct tsr_range gpa)
{
	for (size_t i = 0; i < options->ram_count; i++)
		if (tsr_range_holds(options->ram[i].gpa, gpa.start) &&
		    tsr_range_holds(options->ram[i].gpa, gpa.end - 1))
			return true;
	return false;
}

static int check_ranges(const char *option, const struct run_options *options,
			const struct range_option *ranges, size_t count, struct tsr_why *why)
{
	for (size_t i = 0; i < count; i++)
		if (ranges[i].gpa.end && !in_memory(options, ranges[i].gpa))
			return tsr_because(why, -EINVAL,
					   "%s: 0x%" PRIx64 "-0x%" PRIx64
					   " does not lie in one region of memory.",
					   option, ranges[i].gpa.start, ranges[i].gpa.end);
	return 0;
}

static struct tsr_ram_spec *spec_of(struct run_options *options, uint64_t gpa)
{
	for (size_t i = 0; i < options->ram_count; i++)
		if (tsr_range_holds(options->ram[i].gpa, gpa))
			return &options->ram[i];
	return NULL;
}

/* Private memory begins as zeroes, and what it loses is gone: a file has no part in that. */
static int settle_private(struct run_options *options, struct tsr_range gpa, struct tsr_why *why)
{
	struct tsr_ram_spec *spec = spec_of(options, gpa.start);

	if (!spec || gpa.end > spec->gpa.end)
		return tsr_because(why, -EINVAL,
				   "--private: 0x%" PRIx64 "-0x%" PRIx64
				   " does not lie in one region of memory.",
				   gpa.start, gpa.end);
	if (spec->kind != TSR_RAM_ANON && spec->kind != TSR_RAM_MEMFD)
		return tsr_because(why, -EINVAL,
				   "The memory at 0x%" PRIx64 " is a file's, and the host sees it: "
				   "it cannot be private (--private).",
				   gpa.start);
	if (options->lazy && spec == &options->ram[0])
		return tsr_because(why, -EINVAL,
				   "The memory at 0x%" PRIx64
				   " is filled from a file (--lazy), which "
				   "the host does: it cannot be private (--private).",
				   gpa.start);
	spec->guest_memfd = true;
	return 0;
}

static int settle_privates(struct run_options *options, struct tsr_why *why)
{
	if (options->private_all) {
		options->private_count = options->ram_count;
		for (size_t i = 0; i < options->ram_count; i++)
			options->privates[i] = options->ram[i].gpa;
	}
	for (size_t i = 0; i < options->private_count; i++) {
		int error = settle_private(options, options->privates[i], why);

		if (error)
			return error;
	}
	return 0;
}

/* What only makes sense together, and ranges that are to be memory. */
static int check_policies(const struct run_options *options, struct tsr_why *why)
{
	struct tsr_range entry = { options->entry & ~UINT64_C(3), options->entry + 4 };
	int error;

	if (options->tags && !options->mte)
		return tsr_because(why, -EINVAL, "--tags is for guests with MTE: add --mte.");
	if (options->has_entry && (options->entry % 4 || !in_memory(options, entry)))
		return tsr_because(why, -EINVAL,
				   "--entry 0x%" PRIx64 " is no address of code in memory.",
				   options->entry);
	for (size_t i = 0; i < options->text_count; i++)
		if (!options->texts[i].gpa.end && options->has_entry)
			return tsr_because(why, -EINVAL,
					   "--protect-text auto asks an image for its code, and "
					   "with --entry there is none: name the range.");
	error = check_ranges("--watch", options, options->watches, options->watch_count, why);
	if (error)
		return error;
	return check_ranges("--protect-text", options, options->texts, options->text_count, why);
}

/* Devices must stay where guests look for them. */
static int check_layout(const struct run_options *options, struct tsr_why *why)
{
	static const struct tsr_range devices[] = {
		{ PL011_GPA, PL011_GPA + TSR_PAGE_SIZE },
		{ CONTROL_GPA, CONTROL_GPA + TSR_PAGE_SIZE },
	};
	unsigned int bits;

	return tsr_layout_check(options->ram, options->ram_count, devices, 2, &bits, why);
}

int run_options_parse(int argc, char **argv, struct run_options *options, struct tsr_why *why)
{
	uint64_t slots = SLOT_AUTO;
	int id, error = 0;

	memset(options, 0, sizeof(*options));
	options->vcpus = 1;
	options->watch_every = WATCH_EVERY;
	options->device = "/dev/kvm";
	/* glibc starts anew with 0; "+" leaves numbers after the image alone. */
	optind = 0;
	opterr = 0;
	while (!error && (id = getopt_long(argc, argv, "+", option_table, NULL)) != -1) {
		if (id == '?')
			return tsr_because(why, -EINVAL,
					   "%s is not an option, or lacks or has no value.",
					   argv[optind - 1]);
		error = parse_option((enum option_id)id, options, &slots, why);
	}
	if (!error)
		error = parse_operands(argc, argv, options, why);
	if (error)
		return error;
	options->slot_policy = settle_slots(options, slots);
	if (!options->ram_count) {
		options->ram[0].gpa = (struct tsr_range){ RAM_GPA, RAM_GPA + RAM_SIZE };
		options->ram[0].kind = TSR_RAM_ANON;
		options->ram_count = 1;
	}
	error = check_layout(options, why);
	if (!error)
		error = settle_privates(options, why);
	return error ? error : check_policies(options, why);
}

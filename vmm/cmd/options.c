/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "options.h"
#include "pl011.h"

enum option_id {
	OPTION_RAM = 1,
	OPTION_VCPUS,
	OPTION_MTE,
	OPTION_TAG_FAULT,
	OPTION_UNIT,
	OPTION_SLOT_FLAGS,
	OPTION_RESET,
	OPTION_INPUT,
	OPTION_TIMELINE,
	OPTION_STATS,
	OPTION_DEVICE,
};

static const struct option option_table[] = {
	{ "ram", required_argument, NULL, OPTION_RAM },
	{ "vcpus", required_argument, NULL, OPTION_VCPUS },
	{ "mte", no_argument, NULL, OPTION_MTE },
	{ "on-tag-fault", required_argument, NULL, OPTION_TAG_FAULT },
	{ "promote-unit", required_argument, NULL, OPTION_UNIT },
	{ "slot-flags", required_argument, NULL, OPTION_SLOT_FLAGS },
	{ "on-reset", required_argument, NULL, OPTION_RESET },
	{ "console-input", no_argument, NULL, OPTION_INPUT },
	{ "timeline", no_argument, NULL, OPTION_TIMELINE },
	{ "stats", no_argument, NULL, OPTION_STATS },
	{ "device", required_argument, NULL, OPTION_DEVICE },
	{ NULL, 0, NULL, 0 },
};

struct choice {
	const char *name;
	uint64_t value;
};

static const struct choice tag_policies[] = {
	{ "promote", TAG_PROMOTE },
	{ "inject", TAG_INJECT },
	{ "stop", TAG_STOP },
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
	if (optind >= argc)
		return tsr_because(why, -EINVAL, "No image to run was named.");
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
	return check_layout(options, why);
}

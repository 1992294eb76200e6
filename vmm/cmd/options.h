/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The command line of `tessera run`, and the statuses it exits with. Reading
 * it is pure: nothing is opened.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "tessera/layout.h"
#include "tessera/vm.h"

#define ARGUMENTS_MAX 4
#define RANGES_MAX    16 /* of --watch, and of --protect-text */
#define WATCH_EVERY   1000
#define WATCH_SOONEST 10
#define VCPUS_MAX     512
#define RAM_GPA	      UINT64_C(0x40000000)
#define RAM_SIZE      (UINT64_C(128) << 20)
#define FLAT_OFFSET   UINT64_C(0x80000) /* of a flat image in the first region */

enum exit_status {
	STATUS_PASSED = 0,
	STATUS_GUEST_MAX = 99,	 /* 1 to 99: what the guest said */
	STATUS_USAGE = 100,	 /* the command line is wrong */
	STATUS_NO_KVM = 101,	 /* /dev/kvm is missing or does not answer like KVM */
	STATUS_IMAGE = 102,	 /* the image cannot be read or loaded */
	STATUS_MEMORY = 103,	 /* guest memory cannot be had from the host */
	STATUS_NO_TAGS = 104,	 /* memory that cannot hold tags is refused (EINVAL) */
	STATUS_REFUSED = 105,	 /* something else is refused, by the hypervisor or at --socket */
	STATUS_TAG_FAULT = 106,	 /* a tag access ended the run: policy, or failed promotion */
	STATUS_FAULT = 107,	 /* another memory fault ended it */
	STATUS_RUN_FAILED = 108, /* KVM_RUN failed, or exited in a way not known */
	STATUS_RESET = 109,	 /* the guest asked for a reset, with --on-reset exit */
	STATUS_CRASHED = 110,	 /* the guest reported that it crashed */
	STATUS_FLUSH = 111,	 /* promoted memory could not be written back to its file */
	STATUS_LAZY = 112,	 /* memory could not be read from the file of --lazy */
	STATUS_NO_ANSWER = 113,	 /* no VM answers, or a picture cannot be written */
	STATUS_TAGS = 114,	 /* tags: they cannot be had or set, or the file is no good */
	STATUS_SIGNAL = 128,	 /* 128 + N: signal N ended the run */
};

enum tag_policy { TAG_PROMOTE, TAG_INJECT, TAG_STOP };

enum text_policy { TEXT_STOP, TEXT_INJECT };

/* When memory gets tags; TAGS_AUTO: lazily where the hypervisor knows how. */
enum tags_when { TAGS_AUTO, TAGS_LAZY, TAGS_EAGER };

/* --watch, --protect-text: a range, and which accesses to it. */
struct range_option {
	struct tsr_range gpa; /* empty: the image's code */
	uint64_t needs;	      /* TSR_FAULT_* */
};

struct run_options {
	struct tsr_ram_spec ram[TSR_RAM_REGIONS_MAX];
	size_t ram_count;
	unsigned int vcpus;
	bool mte;
	enum tags_when tags;
	enum tag_policy tag_policy;
	uint64_t unit; /* of promotion, bytes; 0: libtessera's default */
	enum tsr_slot_policy slot_policy;
	bool reboot;	      /* on SYSTEM_RESET */
	const char *lazy;     /* the file that fills memory, or NULL */
	uint64_t lazy_window; /* bytes; 0: libtessera's default */
	bool has_entry;	      /* the guest starts at "entry", and there is no image */
	uint64_t entry;
	struct range_option watches[RANGES_MAX];
	size_t watch_count;
	unsigned int watch_every; /* ms; 0: pages are armed once */
	struct range_option texts[RANGES_MAX];
	size_t text_count;
	enum text_policy text_policy;
	struct tsr_range privates[TSR_RAM_REGIONS_MAX]; /* what is private at first */
	size_t private_count;
	bool private_all;   /* and that is all memory */
	const char *socket; /* where to answer `tessera inspect`; NULL: by the process's number */
	bool console_input;
	bool timeline;
	bool stats;
	const char *device;
	const char *image;
	uint64_t arguments[ARGUMENTS_MAX];
	size_t argument_count;
};

/*
 * Reads what follows "run". Strings of @argv are kept, not copied.
 *
 * Errors, explained in @why: -EINVAL and -ERANGE.
 */
int run_options_parse(int argc, char **argv, struct run_options *options, struct tsr_why *why);

/* The text of `tessera --help`. */
extern const char help_text[];

#endif

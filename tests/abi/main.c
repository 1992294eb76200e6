// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * abi [GROUP...]: the uABI against its tables, on /dev/kvm of this host, as one TAP
 * stream; without arguments every group but huge, which needs a huge page of 1 GiB, and
 * lazyhost and taghost, which want swap and a huge page of 2 MiB.
 * TSR_DISK names the folder for files whose page cache cannot hold tags (/mnt).
 */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "tap.h"

static const struct group {
	const char *name;
	void (*run)(void);
} groups[] = {
	{ "system", test_system },     { "caps", test_caps },
	{ "refused", test_refused },   { "vm", test_vm },
	{ "slots", test_slots },       { "backing", test_backing },
	{ "attrs", test_attrs },       { "gmem", test_gmem },
	{ "query", test_query },       { "fault", test_fault },
	{ "perms", test_perms },       { "walks", test_walks },
	{ "flip", test_flip },	       { "tags", test_tags },
	{ "mmio", test_mmio },	       { "run", test_run },
	{ "vcpu", test_vcpu },	       { "onereg", test_onereg },
	{ "debug", test_debug },       { "calls", test_calls },
	{ "life", test_life },	       { "huge", test_huge },
	{ "idregs", test_idregs },     { "dirty", test_dirty },
	{ "ring", test_ring },	       { "tagcopy", test_tagcopy },
	{ "tagbatch", test_tagbatch }, { "tagkinds", test_tagkinds },
	{ "lazy", test_lazy },	       { "lazyhost", test_lazy_host },
	{ "caches", test_caches },     { "owners", test_owners },
	{ "hosted", test_hosted },     { "taghost", test_taghost },
	{ "tagdirty", test_tagdirty }, { "counters", test_counters },
	{ "firmware", test_firmware }, { "special", test_special },
	{ "gmemtags", test_gmemtags }, { "gmemflip", test_gmemflip },
};

#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return true;
	}
	return argc == 1 && strcmp(name, "huge") != 0 && strcmp(name, "lazyhost") != 0 &&
	       strcmp(name, "taghost") != 0;
}

int main(int argc, char **argv)
{
	int ran = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	env_init();
	for (unsigned int i = 0; i < GROUP_COUNT; i++) {
		if (!wanted(groups[i].name, argc, argv))
			continue;
		groups[i].run();
		ran++;
	}
	if (argc > 1 && ran != argc - 1) {
		fprintf(stderr, "abi: no such group; there are:");
		for (unsigned int i = 0; i < GROUP_COUNT; i++)
			fprintf(stderr, " %s", groups[i].name);
		fprintf(stderr, "\n");
		return 2;
	}
	return tap_end();
}

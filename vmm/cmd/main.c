/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stdio.h>
#include <string.h>

#include <linux/kvm.h>
#include "uapi/tessera.h"

#include "asking.h"
#include "caps.h"
#include "options.h"
#include "run.h"
#include "tags.h"

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "run"))
		return run_command(argc - 1, argv + 1);
	if (!strcmp(command, "inspect"))
		return inspect_command(argc - 1, argv + 1);
	if (!strcmp(command, "pause"))
		return pause_command(argc - 1, argv + 1);
	if (!strcmp(command, "resume"))
		return resume_command(argc - 1, argv + 1);
	if (!strcmp(command, "tags"))
		return tags_command(argc - 1, argv + 1);
	if (!strcmp(command, "caps") && argc <= 3)
		return caps_command(argc == 3 ? argv[2] : "/dev/kvm");
	if (!strcmp(command, "--help") || !strcmp(command, "-h")) {
		fputs(help_text, stdout);
		return STATUS_PASSED;
	}
	if (!strcmp(command, "--version")) {
		printf("tessera, for version %d of its interface\n", KVM_TSR_VERSION);
		return STATUS_PASSED;
	}
	fputs(help_text, stderr);
	return STATUS_USAGE;
}

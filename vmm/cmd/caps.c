/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <linux/kvm.h>
#include "uapi/tessera.h"

#include "caps.h"
#include "memories.h"
#include "options.h"
#include "tessera/vm.h"

/* Linux 6.18 numbers these. */
#ifndef KVM_CAP_GUEST_MEMFD_FLAGS
#define KVM_CAP_GUEST_MEMFD_FLAGS    244
#define GUEST_MEMFD_FLAG_MMAP	     (1ULL << 0)
#define GUEST_MEMFD_FLAG_INIT_SHARED (1ULL << 1)
#endif

enum unit {
	UNIT_YES_NO,
	UNIT_NUMBER,
	UNIT_BITS,
	UNIT_ATTRIBUTES,
	UNIT_ATTRIBUTE_FLAGS,
	UNIT_FILE_FLAGS,
};

struct question {
	unsigned int capability;
	enum unit unit;
	const char *name;
	const char *meaning;
};

/* What mainline KVM documents; asked of a VM, with MTE where the host has it. */
static const struct question mainline[] = {
	{ KVM_CAP_ARM_VM_IPA_SIZE, UNIT_BITS, "IPA_SIZE", "guest-physical address space" },
	{ KVM_CAP_NR_VCPUS, UNIT_NUMBER, "NR_VCPUS", "vCPUs a VM should have at most" },
	{ KVM_CAP_MAX_VCPUS, UNIT_NUMBER, "MAX_VCPUS", "vCPUs a VM can have" },
	{ KVM_CAP_NR_MEMSLOTS, UNIT_NUMBER, "NR_MEMSLOTS", "memory slots" },
	{ KVM_CAP_ARM_MTE, UNIT_YES_NO, "ARM_MTE", "MTE for guests" },
	{ KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED, UNIT_YES_NO, "ARM_CACHEABLE_PFNMAP",
	  "device memory may be write-back" },
	{ KVM_CAP_ARM_PSCI_0_2, UNIT_YES_NO, "ARM_PSCI_0_2", "PSCI, for several vCPUs" },
	{ KVM_CAP_ARM_PTRAUTH_ADDRESS, UNIT_YES_NO, "ARM_PTRAUTH_ADDRESS",
	  "pointer authentication for guests" },
	{ KVM_CAP_ARM_INJECT_EXT_DABT, UNIT_YES_NO, "ARM_INJECT_EXT_DABT",
	  "external aborts can be injected" },
	{ KVM_CAP_READONLY_MEM, UNIT_YES_NO, "READONLY_MEM", "read-only memory slots" },
	{ KVM_CAP_IMMEDIATE_EXIT, UNIT_YES_NO, "IMMEDIATE_EXIT", "KVM_RUN can be cut short" },
	{ KVM_CAP_MEMORY_FAULT_INFO, UNIT_YES_NO, "MEMORY_FAULT_INFO",
	  "memory faults are described" },
	{ KVM_CAP_MEMORY_ATTRIBUTES, UNIT_ATTRIBUTES, "MEMORY_ATTRIBUTES",
	  "what a page may be denied" },
	{ KVM_CAP_USER_MEMORY2, UNIT_YES_NO, "USER_MEMORY2", "KVM_SET_USER_MEMORY_REGION2" },
	{ KVM_CAP_GUEST_MEMFD, UNIT_YES_NO, "GUEST_MEMFD",
	  "private memory, of pages that may be PRIVATE" },
	{ KVM_CAP_GUEST_MEMFD_FLAGS, UNIT_FILE_FLAGS, "GUEST_MEMFD_FLAGS",
	  "such memory can be mapped while it is shared" },
};

/* What tessera adds; docs/abi.md. */
static const struct question additions[] = {
	{ KVM_CAP_TSR_VERSION, UNIT_NUMBER, "TSR_VERSION", "version of tessera's interface" },
	{ KVM_CAP_TSR_NOTAG, UNIT_YES_NO, "TSR_NOTAG",
	  "tag accesses alone exit where memory cannot hold tags" },
	{ KVM_CAP_TSR_LAZY_TAGS, UNIT_YES_NO, "TSR_LAZY_TAGS", "memory gets tags when touched" },
	{ KVM_CAP_TSR_ATTRIBUTE_FLAGS, UNIT_ATTRIBUTE_FLAGS, "TSR_ATTRIBUTE_FLAGS",
	  "ways to change attributes" },
	{ KVM_CAP_TSR_MEMORY_QUERY, UNIT_YES_NO, "TSR_MEMORY_QUERY", "memory can be looked at" },
	{ KVM_CAP_TSR_TAG_BATCH, UNIT_YES_NO, "TSR_TAG_BATCH", "tags are moved in batches" },
	{ KVM_CAP_TSR_PFNMAP_CMO, UNIT_YES_NO, "TSR_PFNMAP_CMO",
	  "cacheable device memory with maintenance" },
};

static void add_name(char *text, size_t size, bool set, const char *name)
{
	size_t used = strlen(text);

	if (set)
		snprintf(text + used, size - used, "%s%s", used ? " " : "", name);
}

static void answer_text(enum unit unit, int answer, char *text, size_t size)
{
	text[0] = '\0';
	switch (unit) {
	case UNIT_YES_NO:
		snprintf(text, size, "%s", answer ? "yes" : "no");
		return;
	case UNIT_NUMBER:
		snprintf(text, size, "%d", answer);
		return;
	case UNIT_BITS:
		snprintf(text, size, "%d bits", answer);
		return;
	case UNIT_ATTRIBUTES:
		add_name(text, size, answer & KVM_MEMORY_ATTRIBUTE_NR, "NR");
		add_name(text, size, answer & KVM_MEMORY_ATTRIBUTE_NW, "NW");
		add_name(text, size, answer & KVM_MEMORY_ATTRIBUTE_NX, "NX");
		add_name(text, size, answer & KVM_MEMORY_ATTRIBUTE_PRIVATE, "PRIVATE");
		add_name(text, size, answer & KVM_MEMORY_ATTRIBUTE_NT, "NT");
		break;
	case UNIT_ATTRIBUTE_FLAGS:
		add_name(text, size, answer & KVM_MEMORY_ATTRIBUTES_SET, "SET");
		add_name(text, size, answer & KVM_MEMORY_ATTRIBUTES_CLEAR, "CLEAR");
		break;
	case UNIT_FILE_FLAGS:
		add_name(text, size, answer & GUEST_MEMFD_FLAG_MMAP, "MMAP");
		add_name(text, size, answer & GUEST_MEMFD_FLAG_INIT_SHARED, "INIT_SHARED");
		break;
	}
	if (!text[0])
		snprintf(text, size, "none");
}

static void table_print(int fd, const struct question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[40];

		answer_text(questions[i].unit, tsr_check_extension(fd, questions[i].capability),
			    text, sizeof(text));
		printf("  %-20s %-20s %s\n", questions[i].name, text, questions[i].meaning);
	}
}

static bool kernel_is_at_least(unsigned int major, unsigned int minor)
{
	struct utsname name;
	unsigned int a, b;

	if (uname(&name) || sscanf(name.release, "%u.%u", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

/* docs/abi.md 9.1 for this host. */
static void memories_print(const struct tsr_vm *vm)
{
	struct memories_host host = {
		.mte = vm->mte,
		.notag = vm->notag,
		.cacheable =
			tsr_check_extension(vm->fd, KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED) > 0,
		.new_hugetlb = kernel_is_at_least(6, 13),
	};
	struct memories_line line;
	bool here;

	printf("%-39s %-8s %-4s %-13s %-13s %s\n", "Memory that a VM may have here:", "no MTE",
	       "MTE", "TAGS_OPTIONAL", "TAGS_ON_TOUCH", "dirty log");
	for (size_t i = 0; memories_line(&host, i, &line, &here); i++) {
		if (here)
			printf("  %-37s %-8s %-4s %-13s %-13s %s\n", line.memory,
			       line.may[MEMORIES_plain], line.may[MEMORIES_mte],
			       line.may[MEMORIES_optional], line.may[MEMORIES_touch],
			       line.logged ? "yes" : "no");
	}
}

static const char *verdict(const struct tsr_vm *vm)
{
	if (!vm->mte)
		return "Guests get no MTE here, and need none of the above for it.";
	if (!vm->host->tsr_version)
		return "Memory that cannot hold tags is refused in a VM with MTE.";
	if (vm->notag)
		return "Memory that cannot hold tags works in a VM with MTE: only tag accesses "
		       "exit.";
	return "Memory that cannot hold tags works in a VM with MTE: the first access to it exits.";
}

static void vm_print(struct tsr_vm *vm)
{
	printf("Asked of a VM %s MTE:\n", vm->mte ? "with" : "without");
	table_print(vm->fd, mainline, sizeof(mainline) / sizeof(mainline[0]));
	if (vm->host->tsr_version) {
		printf("What tessera adds:\n");
		table_print(vm->fd, additions, sizeof(additions) / sizeof(additions[0]));
		memories_print(vm);
	} else {
		printf("This is the kernel's own KVM: nothing of tessera is offered.\n");
	}
	printf("%s\n", verdict(vm));
}

int caps_command(const char *device)
{
	struct tsr_host host;
	struct tsr_why why;
	struct tsr_vm vm;
	bool mte;

	if (tsr_host_open(&host, device, &why)) {
		fprintf(stderr, "tessera: %s\n", why.text);
		return STATUS_NO_KVM;
	}
	printf("%s: %s, KVM interface 12\n", device,
	       host.tsr_version ? "tessera" : "KVM without tessera");
	mte = tsr_check_extension(host.fd, KVM_CAP_ARM_MTE);
	if (tsr_vm_create(&vm, &host, 0, mte, &why)) {
		fprintf(stderr, "tessera: %s\n", why.text);
		tsr_host_close(&host);
		return STATUS_REFUSED;
	}
	vm_print(&vm);
	tsr_vm_destroy(&vm);
	tsr_host_close(&host);
	return STATUS_PASSED;
}

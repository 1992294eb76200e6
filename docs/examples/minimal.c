/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A whole VMM: minimal IMAGE FILE
 *
 * One vCPU runs IMAGE (flat, entered at 0x40080000 at EL1h) with 64 MiB of
 * anonymous memory at 0x40000000 and FILE, privately mapped, at 0x80000000.
 * A byte stored to 0x09000000 is printed; 8 bytes stored to 0x09040000 end the
 * run with that status. The guest may use MTE in both memories, on a host with
 * FEAT_MTE_PERM and on one without.
 *
 * Build: aarch64-linux-gnu-gcc -I include/uapi docs/examples/minimal.c -pthread
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "promote.h"

#define RAM_GPA	  0x40000000ULL
#define RAM_BYTES (64ULL << 20)
#define ENTRY_GPA 0x40080000ULL
#define FILE_GPA  0x80000000ULL
#define UART_GPA  0x09000000ULL
#define EXIT_GPA  0x09040000ULL

#define CORE_REG(r) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(r))

static int vm_create(bool *tessera)
{
	struct kvm_enable_cap mte = { .cap = KVM_CAP_ARM_MTE };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm;

	if (kvm < 0)
		err(1, "/dev/kvm");
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		errx(1, "not KVM's API version 12");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		err(1, "KVM_CREATE_VM");
	close(kvm);
	*tessera = ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_TSR_VERSION) > 0;
	/* Before the first vCPU, and best before the slots. */
	if (ioctl(vm, KVM_ENABLE_CAP, &mte))
		err(1, "this host gives guests no MTE");
	return vm;
}

static void slot_set(int vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t bytes, void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)hva,
	};

	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		err(1, "memory slot %u", slot);
}

static void *ram_anonymous(int vm, const char *image)
{
	uint8_t *hva =
		mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(image, O_RDONLY | O_CLOEXEC);

	if (hva == MAP_FAILED || fd < 0)
		err(1, "%s", image);
	if (read(fd, hva + (ENTRY_GPA - RAM_GPA), RAM_GPA + RAM_BYTES - ENTRY_GPA) <= 0)
		err(1, "%s", image);
	close(fd);
	slot_set(vm, 0, 0, RAM_GPA, RAM_BYTES, hva);
	return hva;
}

/* Page cache cannot hold tags: the slot says that its tags are optional. */
static void ram_from_file(struct ram *ram, int vm, const char *path, bool tessera)
{
	uint32_t flags = tessera ? KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH : 0;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	uint64_t units;
	uint64_t i;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", path);
	*ram = (struct ram){ .vm_fd = vm, .gpa = FILE_GPA, .promotable = true };
	ram->bytes = (uint64_t)st.st_size & ~4095ULL;
	units = ram_unit_count(ram->bytes);
	ram->hva = mmap(NULL, ram->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ram->staging_fd = memfd_create("staging", MFD_CLOEXEC);
	if (ram->hva == MAP_FAILED || ram->staging_fd < 0 ||
	    ftruncate(ram->staging_fd, (off_t)ram->bytes))
		err(1, "%s", path);
	close(fd);
	ram->lock = calloc(units, sizeof(*ram->lock));
	ram->promoted = calloc(units, sizeof(*ram->promoted));
	if (!ram->lock || !ram->promoted)
		err(1, "%s", path);
	for (i = 0; i < units; i++)
		pthread_rwlock_init(&ram->lock[i], NULL);
	slot_set(vm, 1, flags, ram->gpa, ram->bytes, ram->hva);
}

static void reg_set(int vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	if (ioctl(vcpu, KVM_SET_ONE_REG, &reg))
		err(1, "KVM_SET_ONE_REG %#llx", (unsigned long long)id);
}

static int vcpu_create(int vm, struct kvm_run **run)
{
	struct kvm_vcpu_init init;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);

	if (kvm < 0 || bytes < 0 || vcpu < 0)
		err(1, "KVM_CREATE_VCPU");
	close(kvm);
	*run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (*run == MAP_FAILED)
		err(1, "kvm_run");
	if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init))
		err(1, "KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	if (ioctl(vcpu, KVM_ARM_VCPU_INIT, &init))
		err(1, "KVM_ARM_VCPU_INIT");
	reg_set(vcpu, CORE_REG(regs.pc), ENTRY_GPA);
	reg_set(vcpu, CORE_REG(regs.regs[0]), FILE_GPA);
	return vcpu;
}

static void on_mmio(struct kvm_run *run)
{
	uint64_t value = 0;

	if (!run->mmio.is_write) {
		memset(run->mmio.data, 0, sizeof(run->mmio.data));
		return;
	}
	memcpy(&value, run->mmio.data, run->mmio.len);
	if (run->mmio.phys_addr == UART_GPA)
		putchar((int)(value & 0xff));
	else if (run->mmio.phys_addr == EXIT_GPA)
		exit((int)value);
}

/* What the guest needs and this page lacks: supply it or stop. */
static void on_memory_fault(const struct kvm_run *run, struct ram *ram)
{
	static uint64_t last_gpa = UINT64_MAX;
	uint64_t gpa = run->memory_fault.gpa;
	uint64_t need = run->memory_fault.flags;
	bool ours = gpa >= ram->gpa && gpa - ram->gpa < ram->bytes;
	bool again = false;

	if (need == KVM_MEMORY_EXIT_FLAG_WRITE && ours)
		ram_wait(ram, gpa);
	else if (need != KVM_MEMORY_EXIT_FLAG_TAG || !ours)
		errx(1, "need %#llx at %#llx: nothing to offer", (unsigned long long)need,
		     (unsigned long long)gpa);
	else if (ram_promote(ram, gpa, &again))
		err(1, "no tags for %#llx", (unsigned long long)gpa);
	if (again && gpa == last_gpa)
		errx(1, "no progress at %#llx", (unsigned long long)gpa);
	last_gpa = again ? gpa : UINT64_MAX;
}

static void vcpu_run(int vcpu, struct kvm_run *run, struct ram *ram)
{
	for (;;) {
		int ret = ioctl(vcpu, KVM_RUN, 0);
		bool fault = ret && (errno == EFAULT || errno == EHWPOISON) &&
			     run->exit_reason == KVM_EXIT_MEMORY_FAULT;

		if (fault && errno == EFAULT)
			on_memory_fault(run, ram);
		else if (ret && errno == EINTR)
			continue;
		else if (ret)
			err(1, "KVM_RUN");
		else if (run->exit_reason == KVM_EXIT_MMIO)
			on_mmio(run);
		else if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT)
			exit(run->system_event.type != KVM_SYSTEM_EVENT_SHUTDOWN);
		else
			errx(1, "exit reason %u", run->exit_reason);
	}
}

int main(int argc, char **argv)
{
	struct kvm_run *run;
	struct ram ram;
	bool tessera;
	int vcpu;
	int vm;

	if (argc != 3)
		errx(2, "usage: minimal IMAGE FILE");
	vm = vm_create(&tessera);
	ram_anonymous(vm, argv[1]);
	ram_from_file(&ram, vm, argv[2], tessera);
	vcpu = vcpu_create(vm, &run);
	ram_write(&ram, ram.gpa, "tessera", 8);
	vcpu_run(vcpu, run, &ram);
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "machine.h"

struct env env;

long call(int fd, unsigned long request, unsigned long arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

void env_init(void)
{
	struct utsname name;
	struct machine m;

	env.disk = getenv("TSR_DISK");
	if (!env.disk)
		env.disk = "/mnt";
	env.cpu = getenv("TSR_CPU");
	env.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (env.kvm < 0)
		err(2, "/dev/kvm cannot be opened");
	env.tsr = call(env.kvm, KVM_CHECK_EXTENSION, KVM_CAP_TSR_VERSION) > 0;
	env.full = getenv("TSR_FULL") && *getenv("TSR_FULL");
	env.full |= env.tsr && env.cpu && !strcmp(env.cpu, "max");
	env.recent = env.tsr || (!uname(&name) && strtoul(name.release, NULL, 10) >= 7);
	env.mte = call(env.kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_MTE) > 0;
	if (!env.mte || !env.tsr)
		return;
	machine_open(&m, MACHINE_MTE | MACHINE_NO_VCPU);
	env.notag = call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_TSR_NOTAG) == 1;
	machine_close(&m);
}

const char *env_lacks(unsigned int need)
{
	if ((need & NEED_TSR) && !env.tsr)
		return "only tessera serves it";
	if ((need & NEED_MTE) && !env.mte)
		return "the host has no MTE for VMs";
	if ((need & NEED_NO_MTE) && env.mte)
		return "the host has MTE";
	if ((need & NEED_NOTAG) && !env.notag)
		return "the host does not enforce NoTagAccess";
	if ((need & NEED_NO_NOTAG) && env.notag)
		return "the host enforces NoTagAccess";
	if ((need & NEED_RECENT) && !env.recent)
		return "mainline before 7.0 did something else";
	return NULL;
}

void *memory_map(size_t size, int prot, int flags, int fd)
{
	void *memory = mmap(NULL, size, prot, flags, fd, 0);

	if (memory == MAP_FAILED)
		err(2, "%zu bytes cannot be mapped", size);
	return memory;
}

void *memory_anon(size_t size)
{
	return memory_map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

int memory_file(size_t size)
{
	char path[256];
	char page[PAGE];
	int fd;

	snprintf(path, sizeof(path), "%s/abi-XXXXXX", env.disk);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -1;
	unlink(path);
	memset(page, 0x5a, sizeof(page));
	for (size_t done = 0; done < size; done += PAGE) {
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			err(2, "a file of %zu bytes cannot be written in %s", size, env.disk);
	}
	return fd;
}

int memory_memfd(size_t size)
{
	int fd = memfd_create("abi", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		err(2, "a memfd of %zu bytes cannot be made", size);
	return fd;
}

static void on_alarm(int number)
{
	(void)number;
}

void alarm_in(unsigned int ms)
{
	/* Not SA_RESTART: KVM_RUN is to end. */
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void memory_drop(void *memory, size_t size)
{
	/* A kernel may be built without madvise(). */
	if (madvise(memory, size, MADV_DONTNEED) &&
	    mmap(memory, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) != memory)
		err(2, "memory cannot be given back");
}

void memory_guard(void *page)
{
	if (mprotect(page, PAGE, PROT_NONE))
		err(2, "a page cannot be guarded");
}

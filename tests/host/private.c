// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * test-private FOLDER: every way of a process to memory that is private, one by one, and what it
 * comes to (docs/abi.md 4.6). Each way is tried on the same page while that is shared, too, where
 * it has to work. FOLDER is on a file system with O_DIRECT.
 *
 * The memory is a guest_memfd that can be mapped; the guest stores a secret into each page that
 * is private, and no way may ever find it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi/guest.h"
#include "../abi/machine.h"
#include "../abi/tap.h"
#include "private_ring.h"

#define SECRET 0x5ec4e75ec4e75ec4UL
#define OPEN   0x0be40be40be40be4UL /* what the VMM stores into a shared page */
#define BOTH   (GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)

#define SIZE (4 * PAGE)
/* Pages of the file, and of the mapping. */
#define SHARED_PAGE 0
#define SECRET_PAGE 1

static struct machine m;
static int gmem;	  /* the file, in TEST_SLOT */
static uint8_t *view;	  /* all of it */
static int disk, disk_fd; /* a file for O_DIRECT, and one without */
static char *child_memory;

/* --- The two pages. --- */

static void hide(unsigned int page, bool private)
{
	if (machine_attr(&m, TEST_GPA + page * PAGE, PAGE, KVM_MEMORY_ATTRIBUTE_PRIVATE,
			 private ? KVM_MEMORY_ATTRIBUTES_SET : KVM_MEMORY_ATTRIBUTES_CLEAR))
		errx(1, "page %u cannot be converted", page);
}

/* What a closed io_uring leaves to its thread ends KVM_RUN as a signal does: that is run again. */
static int guest_does(struct machine *vm, const void *snippet, uint64_t gpa, uint64_t x1,
		      uint64_t *value)
{
	int error;

	machine_call(vm, snippet, gpa, x1);
	do
		error = (int)-machine_run(vm);
	while (error == EINTR);
	return !error && !machine_done(vm, value) ? EIO : error;
}

static void guest_store(unsigned int page, uint64_t value)
{
	if (guest_does(&m, guest_str, TEST_GPA + page * PAGE, value, NULL))
		errx(1, "the guest cannot store to page %u", page);
}

static uint64_t guest_load(unsigned int page)
{
	uint64_t value = 0;

	if (guest_does(&m, guest_ldr, TEST_GPA + page * PAGE, 0, &value))
		errx(1, "the guest cannot load from page %u", page);
	return value;
}

static void pages_make(void)
{
	gmem = (int)machine_gmem(&m, SIZE, BOTH);
	if (gmem < 0 || machine_gmem_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, NULL, gmem, 0))
		errx(1, "there is no guest_memfd to be had");
	view = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, gmem);
	memset(view, 0x11, SIZE);
	hide(SECRET_PAGE, true);
	guest_store(SECRET_PAGE, SECRET);
	memcpy(view + SHARED_PAGE * PAGE, &(uint64_t){ OPEN }, 8);
}

/* --- Ways: 0 and what was found, or an errno. --- */

static sigjmp_buf escape;

static void on_bus(int signal)
{
	siglongjmp(escape, 1);
}

static int way_load(uint8_t *at, uint64_t *found)
{
	if (sigsetjmp(escape, 1))
		return EFAULT;
	*found = *(volatile uint64_t *)at;
	return 0;
}

static int way_store(uint8_t *at, uint64_t *found)
{
	if (sigsetjmp(escape, 1))
		return EFAULT;
	((volatile uint64_t *)at)[1] = 1;
	*found = *(volatile uint64_t *)at;
	return 0;
}

/* A system call that copies from there. */
static int way_write(uint8_t *at, uint64_t *found)
{
	if (pwrite(disk, at, 8, 0) != 8)
		return errno;
	return pread(disk, found, 8, 0) == 8 ? 0 : EIO;
}

static int way_read(uint8_t *at, uint64_t *found)
{
	if (pwrite(disk, &(uint64_t){ OPEN }, 8, 0) != 8)
		return EIO;
	if (pread(disk, at, 8, 0) != 8)
		return errno;
	*found = OPEN;
	return 0;
}

/* A device's driver, that gets the page itself: get_user_pages(). */
static int way_direct_write(uint8_t *at, uint64_t *found)
{
	if (pwrite(disk_fd, at, PAGE, PAGE) != (ssize_t)PAGE)
		return errno;
	return pread(disk, found, 8, PAGE) == 8 ? 0 : EIO;
}

static int way_direct_read(uint8_t *at, uint64_t *found)
{
	uint64_t page[PAGE / 8] = { OPEN };

	if (pwrite(disk, page, PAGE, PAGE) != (ssize_t)PAGE || fsync(disk))
		return EIO;
	if (pread(disk_fd, at, PAGE, PAGE) != (ssize_t)PAGE)
		return errno;
	*found = OPEN;
	return 0;
}

static int way_vmsplice(uint8_t *at, uint64_t *found)
{
	struct iovec piece = { at, PAGE };
	int ends[2], error = 0;

	if (pipe(ends))
		return EMFILE;
	if (vmsplice(ends[1], &piece, 1, 0) != (ssize_t)PAGE)
		error = errno;
	else if (read(ends[0], found, 8) != 8)
		error = EIO;
	close(ends[0]);
	close(ends[1]);
	return error;
}

static int way_process_readv(uint8_t *at, uint64_t *found)
{
	struct iovec here = { found, 8 }, there = { at, 8 };

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 8 ? 0 : errno;
}

static int way_process_writev(uint8_t *at, uint64_t *found)
{
	uint64_t value = OPEN;
	struct iovec here = { &value, 8 }, there = { at, 8 };

	*found = value;
	return process_vm_writev(getpid(), &here, 1, &there, 1, 0) == 8 ? 0 : errno;
}

static int proc_mem(uint8_t *at, uint64_t *found, bool write)
{
	int fd = open("/proc/self/mem", O_RDWR), error = 0;
	ssize_t done = write ? pwrite(fd, &(uint64_t){ OPEN }, 8, (off_t)(uintptr_t)at)
			     : pread(fd, found, 8, (off_t)(uintptr_t)at);

	if (done != 8)
		error = errno;
	else if (write)
		*found = OPEN;
	close(fd);
	return error;
}

static int way_proc_read(uint8_t *at, uint64_t *found)
{
	return proc_mem(at, found, false);
}

static int way_proc_write(uint8_t *at, uint64_t *found)
{
	return proc_mem(at, found, true);
}

/* A debugger's: of a child that has the same mapping. */
static int way_ptrace(uint8_t *at, uint64_t *found)
{
	int status, error = 0;
	pid_t child = fork();
	long word;

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, &status, 0);
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, child, at, NULL);
	error = errno;
	*found = (uint64_t)word;
	if (!error && ptrace(PTRACE_POKEDATA, child, at, word))
		error = errno;
	ptrace(PTRACE_CONT, child, NULL, NULL);
	waitpid(child, &status, 0);
	return error;
}

/* Another process that has the mapping by inheritance. */
static int way_child(uint8_t *at, uint64_t *found)
{
	pid_t child = fork();
	int status;

	if (!child) {
		signal(SIGBUS, SIG_DFL);
		memcpy(child_memory, at, 8);
		_exit(0);
	}
	waitpid(child, &status, 0);
	memcpy(found, child_memory, 8);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS ? EFAULT : status;
}

static int way_populate(uint8_t *at, uint64_t *found)
{
	if (madvise(at, PAGE, MADV_POPULATE_READ))
		return errno;
	memcpy(found, at, 8);
	return 0;
}

static int way_send(uint8_t *at, uint64_t *found)
{
	int ends[2], error = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return EMFILE;
	if (send(ends[0], at, 8, 0) != 8)
		error = errno;
	else if (recv(ends[1], found, 8, 0) != 8)
		error = EIO;
	close(ends[0]);
	close(ends[1]);
	return error;
}

static int way_ring(uint8_t *at, uint64_t *found)
{
	struct ring ring;
	int error = ring_open(&ring);

	if (error)
		return error;
	error = ring_register(&ring, at, PAGE);
	if (!error)
		memcpy(found, at, 8);
	ring_close(&ring);
	return error;
}

static int way_ring_write(uint8_t *at, uint64_t *found)
{
	struct ring ring;
	int error = ring_open(&ring);

	if (error)
		return error;
	error = ring_write(&ring, disk, at, 8);
	if (!error && pread(disk, found, 8, 0) != 8)
		error = EIO;
	ring_close(&ring);
	return error;
}

/* Another VM whose slot lies over the mapping: its hypervisor gets the page. */
static int way_other_vm(uint8_t *at, uint64_t *found)
{
	struct machine other;
	int error;

	machine_open(&other, 0);
	machine_slot(&other, TEST_SLOT, 0, TEST_GPA, PAGE, at);
	error = guest_does(&other, guest_ldr, TEST_GPA, 0, found);
	machine_close(&other);
	return error;
}

static const struct way {
	const char *name;
	int (*take)(uint8_t *at, uint64_t *found);
	int error;
} ways[] = {
	{ "a load", way_load, EFAULT },
	{ "a store", way_store, EFAULT },
	{ "write() from it", way_write, EFAULT },
	{ "read() into it", way_read, EFAULT },
	{ "write() with O_DIRECT", way_direct_write, EFAULT },
	{ "read() with O_DIRECT", way_direct_read, EFAULT },
	{ "vmsplice()", way_vmsplice, EFAULT },
	{ "process_vm_readv()", way_process_readv, EFAULT },
	{ "process_vm_writev()", way_process_writev, EFAULT },
	{ "reading /proc/PID/mem", way_proc_read, EIO },
	{ "writing /proc/PID/mem", way_proc_write, EIO },
	{ "ptrace()", way_ptrace, EIO },
	{ "a child's load", way_child, EFAULT },
	{ "MADV_POPULATE_READ", way_populate, EFAULT },
	{ "send()", way_send, EFAULT },
	{ "a registered buffer of io_uring", way_ring, EFAULT },
	{ "a write by io_uring", way_ring_write, EFAULT },
	{ "another VM's slot", way_other_vm, EFAULT },
};

static void take(const struct way *way)
{
	uint64_t found = 0, word = OPEN;
	int error;

	memcpy(view + SHARED_PAGE * PAGE, &word, 8);
	error = way->take(view + SHARED_PAGE * PAGE, &found);
	if (error == ENOSYS || error == EPERM) {
		tap_skip("this kernel has it not", "%s", way->name);
		return;
	}
	tap_ok(!error && found == OPEN, "%s of a shared page", way->name);
	if (error || found != OPEN)
		tap_note("error %d, found %#llx", error, (unsigned long long)found);
	found = 0;
	error = way->take(view + SECRET_PAGE * PAGE, &found);
	tap_ok(error == way->error && found != SECRET, "and of a private one: %s",
	       strerrorname_np(way->error));
	if (error != way->error)
		tap_note("error %d", error);
	tap_ok(guest_load(SECRET_PAGE) == SECRET, "the guest's is as it was");
}

/* --- The file itself. --- */

static void file_calls(int fd, const char *what)
{
	uint8_t bytes[8] = { 0 };
	struct iovec piece = { bytes, 8 };
	int ends[2], other = memory_memfd(SIZE), again;
	char path[64];
	off_t at = 0;

	if (pipe(ends))
		err(1, "pipe");
	tap_errno(read(fd, bytes, 8) < 0 ? -errno : 0, EINVAL, "%s: read()", what);
	tap_errno(pread(fd, bytes, 8, 0) < 0 ? -errno : 0, ESPIPE, "%s: pread()", what);
	tap_errno(preadv(fd, &piece, 1, 0) < 0 ? -errno : 0, ESPIPE, "%s: preadv()", what);
	tap_errno(write(fd, bytes, 8) < 0 ? -errno : 0, EINVAL, "%s: write()", what);
	tap_errno(pwrite(fd, bytes, 8, 0) < 0 ? -errno : 0, ESPIPE, "%s: pwrite()", what);
	tap_errno(sendfile(other, fd, &at, 8) < 0 ? -errno : 0, ESPIPE, "%s: sendfile() from it",
		  what);
	tap_errno(sendfile(fd, other, &at, 8) < 0 ? -errno : 0, EINVAL, "%s: sendfile() to it",
		  what);
	tap_errno(splice(fd, &at, ends[1], NULL, 8, 0) < 0 ? -errno : 0, EINVAL, "%s: splice()",
		  what);
	tap_errno(ftruncate(fd, 0) < 0 ? -errno : 0, EINVAL, "%s: ftruncate()", what);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	tap_ok(again < 0, "%s: it cannot be opened anew", what);
	if (again >= 0)
		close(again);
	close(ends[0]);
	close(ends[1]);
	close(other);
}

/* Without MMAP nothing can be mapped at all; without INIT_SHARED nothing is to be seen. */
static void files(void)
{
	int unmapped = (int)machine_gmem(&m, SIZE, 0);
	int unseen = (int)machine_gmem(&m, SIZE, GUEST_MEMFD_FLAG_MMAP);
	uint8_t *memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, unmapped, 0);
	uint64_t found;

	tap_ok(memory == MAP_FAILED && errno == ENODEV, "without MMAP: mmap() is ENODEV");
	file_calls(unmapped, "without MMAP");
	memory = memory_map(SIZE, PROT_READ, MAP_SHARED, unseen);
	tap_ok(way_load(memory, &found) == EFAULT, "without INIT_SHARED: SIGBUS");
	tap_ok(way_process_readv(memory, &found) == EFAULT, "and EFAULT");
	file_calls(gmem, "with both");
	munmap(memory, SIZE);
	close(unseen);
	close(unmapped);
}

/* --- What was taken while it was shared. --- */

/* The page itself, in a pipe: it is not the guest's any more when the guest's is private. */
static void taken_before(void)
{
	struct iovec piece = { view + 2 * PAGE, PAGE };
	uint64_t word = OPEN, found[PAGE / 8] = { 0 };
	int ends[2];

	if (pipe(ends))
		err(1, "pipe");
	memcpy(view + 2 * PAGE, &word, 8);
	tap_ok(vmsplice(ends[1], &piece, 1, 0) == (ssize_t)PAGE, "a shared page is in a pipe");
	hide(2, true);
	tap_ok(guest_load(2) == 0, "it becomes private, and zero");
	guest_store(2, SECRET);
	tap_ok(read(ends[0], found, PAGE) == (ssize_t)PAGE && found[0] != SECRET,
	       "what comes out of the pipe is not the guest's");
	hide(2, false);
	tap_ok(*(volatile uint64_t *)(view + 2 * PAGE) == 0, "shared again it is zero");
	close(ends[0]);
	close(ends[1]);
}

/* A buffer that a device may write to at any time: io_uring's, pinned for long. */
static void pinned_before(void)
{
	uint64_t found = 0;
	struct ring ring;
	int error = ring_open(&ring);

	if (error == ENOSYS || error == EPERM) {
		tap_skip("this kernel has no io_uring", "a page that is pinned");
		return;
	}
	memcpy(view + 3 * PAGE, &(uint64_t){ OPEN }, 8);
	tap_ok(!ring_register(&ring, view + 3 * PAGE, PAGE), "a shared page is pinned");
	hide(3, true);
	guest_store(3, SECRET);
	error = ring_write_fixed(&ring, disk, view + 3 * PAGE, 8);
	tap_ok(error || (pread(disk, &found, 8, 0) == 8 && found != SECRET),
	       "a device writes out what it has pinned, which is not the guest's");
	error = ring_read_fixed(&ring, disk, view + 3 * PAGE, 8);
	tap_ok(guest_load(3) == SECRET, "and reads into it, which the guest does not see");
	ring_close(&ring);
	hide(3, false);
	tap_ok(*(volatile uint64_t *)(view + 3 * PAGE) == 0, "shared again it is zero");
}

static void disk_make(const char *folder)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/private.disk", folder);
	disk = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	disk_fd = open(path, O_RDWR | O_DIRECT);
	if (disk < 0 || disk_fd < 0 || ftruncate(disk, 4 * PAGE))
		err(1, "%s", path);
	unlink(path);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_bus };

	if (argc != 2)
		errx(2, "usage: test-private FOLDER");
	env_init();
	disk_make(argv[1]);
	child_memory = memory_map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	sigaction(SIGBUS, &action, NULL);
	machine_open(&m, 0);
	pages_make();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		take(&ways[i]);
	files();
	taken_before();
	pinned_before();
	machine_close(&m);
	return tap_end();
}

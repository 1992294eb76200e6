/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Promotion of live memory, on a host: several vCPUs use data and tags of the
 * same pages of a file while a thread of the VMM writes to them too, and nothing
 * is lost or torn (the guest is promote_guest.S); scattered pages do not run
 * out of mappings; a promotion that fails leaves a VM that goes on once the
 * cause is gone.
 *
 * usage: test-promote FOLDER            (on a file system that cannot hold tags)
 *        test-promote FOLDER scatter    (100,000 promotions, one by one)
 *        test-promote FOLDER forever    (a victim for tests/host/kill.sh)
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "promote_guest.h"
#include "tessera/promote.h"
#include "tessera/vcpu.h"

#define PARAMS_GPA  UINT64_C(0x40000000)
#define CODE_GPA    UINT64_C(0x40002000)
#define FILE_GPA    UINT64_C(0x80000000)
#define EXIT_GPA    UINT64_C(0x09040000)
#define VCPUS_MAX   8
#define NOT_ENDED   UINT64_MAX
#define WRITER_STEP 3 /* the writer's stride, so that it meets the vCPUs anywhere */

/* Translation table descriptors: Arm ARM D8.3.1. */
#define DESC_BLOCK  (UINT64_C(1) | 1 << 10 | 3 << 8) /* valid, AF, inner shareable */
#define DESC_TAGGED (UINT64_C(1) << 2)
#define DESC_XN	    (UINT64_C(3) << 53)

struct trial {
	const char *name;
	uint64_t unit;
	unsigned int vcpus;
	uint64_t pages, factor, touches, rounds;
	bool writer;
	int mappings;	/* vm.max_map_count meanwhile; 0: as it is */
	uint64_t least; /* promotions; 0: one for each page */
};

struct rig {
	const struct trial *trial;
	char path[256];
	int file;
	struct tsr_host host;
	struct tsr_vm vm;
	struct tsr_ram ram;
	struct tsr_vcpu vcpus[VCPUS_MAX];
	struct tsr_promoter promoter;
	_Atomic uint64_t status; /* what the guest ended with, or NOT_ENDED */
	_Atomic bool stopped;	 /* a fault was not resolved */
	_Atomic uint64_t tag_exits;
	struct tsr_why why; /* of the first fault that was not */
	_Atomic bool writer_ends;
	uint64_t writer_errors, writer_words;
	uint32_t *counts; /* the writer's, by page */
};

/* Each page once, in an order without order: the one of page_address in promote_guest.S. */
static uint64_t page_of(const struct trial *trial, uint64_t touch)
{
	uint64_t mask = trial->pages - 1, page = touch * trial->factor & mask;

	page ^= page >> 5;
	return page * trial->factor & mask;
}

static int tests_done;

static void ok(bool passed, const char *name, const char *what)
{
	printf("%sok %d - %s: %s\n", passed ? "" : "not ", ++tests_done, name, what);
}

static void die(const char *what, const struct tsr_why *why)
{
	printf("Bail out! %s: %s\n", what, why->text);
	exit(1);
}

static void max_map_count(int count)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "w");

	if (!file || fprintf(file, "%d", count) < 0 || fclose(file)) {
		printf("Bail out! vm.max_map_count cannot be set\n");
		exit(1);
	}
}

static void write_guest(struct rig *rig, uint64_t gpa, const void *data, size_t size)
{
	if (tsr_ram_write(&rig->ram, gpa, data, size)) {
		printf("Bail out! no guest memory at 0x%" PRIx64 "\n", gpa);
		exit(1);
	}
}

static void load_guest(struct rig *rig)
{
	const struct trial *trial = rig->trial;
	uint64_t params[] = {
		[PARAM_BASE / 8] = FILE_GPA,	    [PARAM_PAGES / 8] = trial->pages,
		[PARAM_FACTOR / 8] = trial->factor, [PARAM_TOUCHES / 8] = trial->touches,
		[PARAM_ROUNDS / 8] = trial->rounds, [PARAM_VCPUS / 8] = trial->vcpus,
	};
	uint64_t table[] = {
		DESC_BLOCK | DESC_XN,
		UINT64_C(0x40000000) | DESC_BLOCK | DESC_TAGGED,
		UINT64_C(0x80000000) | DESC_BLOCK | DESC_TAGGED | DESC_XN,
	};

	write_guest(rig, PARAMS_GPA, params, sizeof(params));
	write_guest(rig, PARAMS_GPA + TSR_PAGE_SIZE, table, sizeof(table));
	write_guest(rig, CODE_GPA, promote_guest_start,
		    (size_t)(promote_guest_end - promote_guest_start));
}

static void open_memory(struct rig *rig, const char *folder)
{
	struct tsr_ram_spec specs[] = {
		{ .gpa = { PARAMS_GPA, PARAMS_GPA + (1 << 20) }, .kind = TSR_RAM_ANON },
		{ .gpa = { FILE_GPA, FILE_GPA + rig->trial->pages * TSR_PAGE_SIZE },
		  .kind = TSR_RAM_FILE_PRIVATE },
	};
	struct tsr_why why;

	snprintf(rig->path, sizeof(rig->path), "%s/promote.%d", folder, (int)getpid());
	rig->file = open(rig->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (rig->file < 0 || ftruncate(rig->file, (off_t)tsr_range_size(specs[1].gpa))) {
		printf("Bail out! no file %s\n", rig->path);
		exit(1);
	}
	strcpy(specs[1].path, rig->path);
	if (tsr_ram_create(&rig->ram, specs, 2, &why))
		die("memory", &why);
}

static void open_vcpus(struct rig *rig)
{
	struct tsr_why why;
	uint64_t x0 = PARAMS_GPA;

	for (unsigned int i = 0; i < rig->trial->vcpus; i++)
		if (tsr_vcpu_create(&rig->vcpus[i], &rig->vm, i, &why) ||
		    tsr_vcpu_reset(&rig->vcpus[i], &why))
			die("vCPU", &why);
	if (tsr_vcpu_set_entry(&rig->vcpus[0], CODE_GPA, &x0, 1, &why))
		die("entry", &why);
}

static struct rig *rig_open(const struct trial *trial, const char *folder)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct tsr_why why;

	rig->trial = trial;
	rig->status = NOT_ENDED;
	rig->counts = calloc(trial->pages, sizeof(rig->counts[0]));
	open_memory(rig, folder);
	load_guest(rig);
	if (tsr_host_open(&rig->host, "/dev/kvm", &why) ||
	    tsr_vm_create(&rig->vm, &rig->host, 32, true, &why) ||
	    tsr_vm_add_ram(&rig->vm, &rig->ram, TSR_SLOT_PROMOTE, &why) ||
	    tsr_promoter_init(&rig->promoter, &rig->ram,
			      (struct tsr_attributes){ tsr_vm_no_write, &rig->vm },
			      &rig->vm.changes, trial->unit, &why))
		die("VM", &why);
	open_vcpus(rig);
	return rig;
}

static void rig_close(struct rig *rig)
{
	for (unsigned int i = 0; i < rig->trial->vcpus; i++)
		tsr_vcpu_destroy(&rig->vcpus[i]);
	tsr_promoter_destroy(&rig->promoter);
	tsr_vm_destroy(&rig->vm);
	tsr_host_close(&rig->host);
	tsr_ram_destroy(&rig->ram);
	close(rig->file);
	unlink(rig->path);
	free(rig->counts);
	free(rig);
}

/* Only vCPU 0's thread is waited for; the others are made to follow. */
static void stop(struct rig *rig, const char *text)
{
	if (!rig->stopped) {
		rig->stopped = true;
		snprintf(rig->why.text, sizeof(rig->why.text), "%s", text);
	}
	tsr_vcpu_kick(&rig->vcpus[0]);
}

static void serve(struct rig *rig, struct tsr_vcpu *vcpu, const struct tsr_exit *exit)
{
	struct tsr_handler handlers[] = {
		{ tsr_promoter_handle, &rig->promoter },
		{ tsr_fault_stop, &rig->ram },
	};
	struct tsr_why why;

	if (exit->kind == TSR_EXIT_MMIO && exit->mmio.gpa == EXIT_GPA) {
		rig->status = exit->mmio.value;
	} else if (exit->kind == TSR_EXIT_FAULT) {
		rig->tag_exits += exit->fault.flags == TSR_FAULT_TAG;
		if (tsr_fault_dispatch(handlers, 2, vcpu, &exit->fault, &why) != TSR_RESOLVED)
			stop(rig, why.text);
	} else if (exit->kind != TSR_EXIT_KICKED) {
		stop(rig, "an exit that was not expected");
	}
}

struct loop {
	struct rig *rig;
	struct tsr_vcpu *vcpu;
};

static void *vcpu_loop(void *opaque)
{
	struct loop *loop = opaque;
	struct tsr_exit exit;

	while (loop->rig->status == NOT_ENDED && !loop->rig->stopped) {
		tsr_vcpu_run(loop->vcpu, &exit);
		serve(loop->rig, loop->vcpu, &exit);
	}
	return NULL;
}

/* A device model at its busiest: counts up a word of each page the guest uses. */
static void *writer(void *opaque)
{
	struct rig *rig = opaque;
	const struct trial *trial = rig->trial;

	for (uint64_t i = 0; !rig->writer_ends; i++) {
		uint64_t page = page_of(trial, i * WRITER_STEP % trial->touches);
		uint64_t gpa = FILE_GPA + page * TSR_PAGE_SIZE + WORD_OF_VMM;
		uint64_t want = (uint64_t)rig->counts[page] << 32 | rig->counts[page], word;

		rig->writer_errors += tsr_ram_read(&rig->ram, gpa, &word, 8) || word != want;
		rig->counts[page]++;
		word = (uint64_t)rig->counts[page] << 32 | rig->counts[page];
		rig->writer_errors += tsr_ram_write(&rig->ram, gpa, &word, 8) != 0;
		rig->writer_words++;
	}
	return NULL;
}

/* Lets the guest run until it ends, or a fault is not resolved. */
static void rig_run(struct rig *rig)
{
	struct loop loops[VCPUS_MAX];
	pthread_t thread;

	rig->stopped = false;
	rig->writer_ends = false;
	if (rig->trial->writer && pthread_create(&thread, NULL, writer, rig))
		abort();
	for (unsigned int i = 0; i < rig->trial->vcpus; i++) {
		loops[i] = (struct loop){ rig, &rig->vcpus[i] };
		if (tsr_vcpu_start(&rig->vcpus[i], vcpu_loop, &loops[i]))
			abort();
	}
	tsr_vcpu_join(&rig->vcpus[0]);
	for (unsigned int i = 1; i < rig->trial->vcpus; i++) {
		tsr_vcpu_kick(&rig->vcpus[i]);
		tsr_vcpu_join(&rig->vcpus[i]);
	}
	rig->writer_ends = true;
	if (rig->trial->writer)
		pthread_join(thread, NULL);
}

/* Each vCPU's count on each page, and the writer's words, as the VMM reads them. */
static uint64_t wrong_words(struct rig *rig)
{
	const struct trial *trial = rig->trial;
	uint64_t wrong = 0, word;

	for (uint64_t touch = 0; touch < trial->touches; touch++) {
		uint64_t page = page_of(trial, touch);
		uint64_t gpa = FILE_GPA + page * TSR_PAGE_SIZE;

		for (unsigned int i = 0; i < trial->vcpus; i++)
			wrong += tsr_ram_read(&rig->ram, gpa + 64 * i, &word, 8) ||
				 word != trial->rounds;
		wrong += tsr_ram_read(&rig->ram, gpa + WORD_OF_VMM, &word, 8) ||
			 word != ((uint64_t)rig->counts[page] << 32 | rig->counts[page]);
	}
	return wrong;
}

static bool file_untouched(const struct rig *rig)
{
	static unsigned char page[TSR_PAGE_SIZE];
	static const unsigned char zeroes[TSR_PAGE_SIZE];

	for (uint64_t i = 0; i < rig->trial->touches; i++) {
		off_t at = (off_t)(page_of(rig->trial, i) * TSR_PAGE_SIZE);

		if (pread(rig->file, page, sizeof(page), at) != (ssize_t)sizeof(page) ||
		    memcmp(page, zeroes, sizeof(page)))
			return false;
	}
	return true;
}

static void report(struct rig *rig)
{
	const char *name = rig->trial->name;

	if (rig->stopped)
		printf("# stopped: %s\n", rig->why.text);
	printf("# %s: %" PRIu64 " TAG exits, %" PRIu64 " promotions, %" PRIu64 " MiB copied, "
	       "%" PRId64 " mappings to spare, %" PRIu64 " words written, guest status %" PRId64
	       "\n",
	       name, rig->tag_exits, rig->promoter.promotions, rig->promoter.bytes_copied >> 20,
	       rig->promoter.mappings_spare, rig->writer_words, (int64_t)rig->status);
	ok(!rig->stopped && rig->status == 0, name, "the guest finds all as it left it");
	ok(!rig->writer_errors, name, "the VMM's writer finds all as it left it");
	ok(!wrong_words(rig), name, "at the end no word is lost");
	ok(file_untouched(rig), name, "the file is untouched");
}

static void run_trial(const struct trial *trial, const char *folder)
{
	struct rig *rig;

	if (trial->mappings)
		max_map_count(trial->mappings);
	rig = rig_open(trial, folder);
	rig_run(rig);
	report(rig);
	if (trial->least)
		ok(rig->promoter.promotions >= trial->least &&
			   rig->promoter.promotions < trial->touches,
		   trial->name, "fewer promotions than pages, but not too few");
	else
		ok(rig->promoter.promotions == trial->touches, trial->name, "one promotion a page");
	rig_close(rig);
	if (trial->mappings)
		max_map_count(65530);
}

enum obstacle { FILE_LIMIT, SPACE_LIMIT, TRUNCATED };

static void obstacle_set(struct rig *rig, enum obstacle obstacle, bool set)
{
	int resource = obstacle == FILE_LIMIT ? RLIMIT_FSIZE : RLIMIT_AS;
	uint64_t size = rig->trial->pages * TSR_PAGE_SIZE;
	struct rlimit limit = { set ? TSR_PAGE_SIZE : RLIM_INFINITY, RLIM_INFINITY };

	if (obstacle == TRUNCATED ? ftruncate(rig->file, set ? 0 : (off_t)size)
				  : setrlimit(resource, &limit))
		abort();
}

/* The guest meets an obstacle at its first promotion; then it is taken away. */
static void run_obstacle(enum obstacle obstacle, const char *name, const char *folder)
{
	struct trial trial = {
		.name = name,
		.unit = TSR_PAGE_SIZE,
		.vcpus = 1,
		.pages = 64,
		.factor = 5,
		.touches = 64,
		.rounds = 2,
	};
	struct rig *rig = rig_open(&trial, folder);
	struct tsr_vcpu *vcpu = &rig->vcpus[0];
	struct tsr_exit exit;

	/* No new thread, which would need address space: up to the fault by hand. */
	do {
		tsr_vcpu_run(vcpu, &exit);
	} while (exit.kind == TSR_EXIT_KICKED);
	obstacle_set(rig, obstacle, true);
	serve(rig, vcpu, &exit);
	obstacle_set(rig, obstacle, false);
	ok(exit.kind == TSR_EXIT_FAULT && rig->stopped, name, "promotion fails");
	printf("# %s\n", rig->why.text);
	ok(!rig->promoter.promotions && strstr(rig->why.text, "could not be promoted"), name,
	   "the VMM says so, and has changed nothing");
	rig_run(rig);
	/* What was truncated is lost, and the guest may notice: the VM itself goes on. */
	ok(!rig->stopped && (obstacle == TRUNCATED ? rig->status != NOT_ENDED : !rig->status), name,
	   "once that is over, the guest goes on");
	rig_close(rig);
}

static const struct trial trials[] = {
	{ "2 vCPUs, by the page", TSR_PAGE_SIZE, 2, 512, 7, 512, 4, true, 0, 0 },
	{ "4 vCPUs, by the page", TSR_PAGE_SIZE, 4, 256, 7, 256, 4, true, 0, 0 },
	{ "4 vCPUs, by 2 MiB", TSR_BLOCK_SIZE, 4, 4096, 1021, 1500, 3, true, 0, 8 },
	{ "few mappings", TSR_PAGE_SIZE, 1, 16384, 7919, 3000, 2, false, 1500, 1000 },
};

static const struct trial scatter = {
	"100,000 promotions", TSR_PAGE_SIZE, 1, 131072, 2654435761, 131072, 2, false, 65530, 100000,
};

static const struct trial forever = {
	"until it is killed", TSR_PAGE_SIZE, 4, 16384, 7919, 16000, UINT64_MAX, true, 0, 0,
};

/* Whether this host can have the tests at all. */
static bool host_fits(void)
{
	struct tsr_host host;
	struct tsr_why why;
	bool fits;

	if (tsr_host_open(&host, "/dev/kvm", &why))
		die("/dev/kvm", &why);
	fits = host.tsr_version && tsr_check_extension(host.fd, KVM_CAP_ARM_MTE);
	tsr_host_close(&host);
	return fits;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGXFSZ, SIG_IGN);
	tsr_vcpu_signal_init();
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s FOLDER [scatter | forever]\n", argv[0]);
		return 2;
	}
	if (!host_fits()) {
		printf("1..1\nok 1 - promotion # SKIP this host has no MTE, or no tessera\n");
		return 0;
	}
	if (argc == 3) {
		run_trial(strcmp(argv[2], "forever") ? &scatter : &forever, argv[1]);
	} else {
		for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++)
			run_trial(&trials[i], argv[1]);
		run_obstacle(FILE_LIMIT, "staging cannot grow", argv[1]);
		run_obstacle(SPACE_LIMIT, "staging cannot be mapped", argv[1]);
		run_obstacle(TRUNCATED, "the file was truncated", argv[1]);
	}
	printf("1..%d\n", tests_done);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "machine.h"
#include "run.h"
#include "stats.h"
#include "tessera/image.h"

struct guest_file {
	void *data;
	size_t size;
	struct tsr_image image;
};

/* A vCPU thread's argument. */
struct vcpu_thread {
	struct machine *machine;
	struct tsr_vcpu *vcpu;
};

static int fail(enum exit_status status, const struct tsr_why *why)
{
	fprintf(stderr, "tessera: %s\n", why->text);
	return status;
}

/* Blocked before any thread starts, so that only the main thread's signalfd gets them. */
static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* Both have an error return that says the same. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	tsr_vcpu_signal_init();
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void devices_init(struct machine *machine)
{
	const struct run_options *options = machine->options;

	pl011_init(&machine->uart, STDOUT_FILENO, options->console_input ? STDIN_FILENO : -1);
	machine->control = (struct control){
		.ram = &machine->ram,
		.tally = &machine->tally,
		.flags = (machine->vm.notag ? CONTROL_FLAG_NOTAG : 0) |
			 (machine->vm.mte ? CONTROL_FLAG_MTE : 0) |
			 (machine->vm.lazy_tags ? CONTROL_FLAG_LAZY : 0),
		.vcpus = options->vcpus,
		.unit = machine->policies.promoter.unit_pages * TSR_PAGE_SIZE,
	};
}

/* The state from which the guest starts, at first and after each reset. */
static enum exit_status guest_load(struct machine *machine, const struct guest_file *file,
				   struct tsr_why *why)
{
	const struct run_options *options = machine->options;

	if (privacy_begin(&machine->privacy, &file->image, why))
		return STATUS_MEMORY;
	if (file->data && tsr_image_load(&file->image, file->data, &machine->ram, why))
		return STATUS_IMAGE;
	for (unsigned int i = 0; i < options->vcpus; i++)
		if (tsr_vcpu_reset(&machine->vcpus[i], why))
			return STATUS_REFUSED;
	if (tsr_vcpu_set_entry(&machine->vcpus[0], file->image.entry, options->arguments,
			       ARGUMENTS_MAX, why))
		return STATUS_REFUSED;
	return STATUS_PASSED;
}

static void *vcpu_thread(void *opaque)
{
	struct vcpu_thread *thread = opaque;

	machine_vcpu_loop(thread->machine, thread->vcpu);
	return NULL;
}

/* Waits until the machine ends by itself, or a signal ends it. */
static void wait_for_end(struct machine *machine, int signals)
{
	struct pollfd polled[3 + SERVICE_POLLED] = {
		{ .fd = machine->wake, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = machine->policies.timer, .events = POLLIN },
	};
	struct signalfd_siginfo signal;
	struct tsr_why why;
	uint64_t count;

	do {
		service_poll(&machine->service, polled + 3);
		while (poll(polled, 3 + SERVICE_POLLED, -1) < 0 && errno == EINTR)
			;
		if (polled[2].revents & POLLIN && policies_tick(&machine->policies, &why))
			machine_end(machine, ENDING_STATUS, STATUS_RUN_FAILED, &why);
		service_serve(machine, polled + 3);
	} while (!((polled[0].revents | polled[1].revents) & POLLIN));
	if (polled[1].revents & POLLIN &&
	    read(signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal))
		machine_end(machine, ENDING_STATUS, STATUS_SIGNAL + (int)signal.ssi_signo, NULL);
	if (read(machine->wake, &count, sizeof(count)) < 0)
		machine->status = STATUS_RUN_FAILED;
}

/* One life of the guest, from its entry to its end or reset. */
static void guest_live(struct machine *machine, int signals)
{
	unsigned int count = machine->options->vcpus, started = 0;
	struct vcpu_thread threads[VCPUS_MAX];
	struct tsr_why why;
	int error = 0;

	machine->ending = ENDING_NONE;
	pause_end(&machine->pause, false);
	while (started < count && !error) {
		threads[started] = (struct vcpu_thread){ machine, &machine->vcpus[started] };
		error = tsr_vcpu_start(&machine->vcpus[started], vcpu_thread, &threads[started]);
		started += !error;
	}
	if (error) {
		tsr_because(&why, error, "Cannot start a thread for vCPU %u: %s.", started,
			    strerror(-error));
		machine_end(machine, ENDING_STATUS, STATUS_RUN_FAILED, &why);
	}
	wait_for_end(machine, signals);
	for (unsigned int i = 0; i < started; i++)
		tsr_vcpu_kick(&machine->vcpus[i]);
	for (unsigned int i = 0; i < started; i++)
		tsr_vcpu_join(&machine->vcpus[i]);
	pl011_flush(&machine->uart);
}

static int run_to_end(struct machine *machine, const struct guest_file *file, int signals)
{
	struct tsr_why why;
	int status;

	do {
		status = guest_load(machine, file, &why);
		if (status)
			return fail(status, &why);
		guest_live(machine, signals);
		machine->tally.resets += machine->ending == ENDING_RESET;
	} while (machine->ending == ENDING_RESET);
	status = machine->status;
	if (machine->why.text[0])
		fail(status, &machine->why);
	if (tsr_ram_flush(&machine->ram, &why))
		status = fail(STATUS_FLUSH, &why);
	if (machine->options->stats)
		stats_print(stderr, machine, status);
	return status;
}

static int with_vcpus(struct machine *machine, const struct guest_file *file, int signals)
{
	unsigned int count = machine->options->vcpus, made = 0;
	int status = STATUS_PASSED;
	struct tsr_why why;

	machine->vcpus = calloc(count, sizeof(machine->vcpus[0]));
	if (!machine->vcpus) {
		tsr_because(&why, -ENOMEM, "No memory for %u vCPUs.", count);
		return fail(STATUS_REFUSED, &why);
	}
	for (; !status && made < count; made += !status)
		if (tsr_vcpu_create(&machine->vcpus[made], &machine->vm, made, &why))
			status = fail(STATUS_REFUSED, &why);
	if (!status)
		status = run_to_end(machine, file, signals);
	while (made)
		tsr_vcpu_destroy(&machine->vcpus[--made]);
	free(machine->vcpus);
	return status;
}

/* By default it is a help and no more, so that a run does not fail for want of it. */
static int service_init(struct machine *machine, struct tsr_why *why)
{
	const char *path = machine->options->socket;
	int error = service_open(&machine->service, path, why);

	if (error && !path)
		fail(STATUS_PASSED, why);
	return path ? error : 0;
}

static int with_vm(struct machine *machine, const struct guest_file *file, int signals)
{
	const struct run_options *options = machine->options;
	struct tsr_why why;
	int status, error;

	if (privacy_init(&machine->privacy, options, &machine->vm, &machine->ram, &why))
		return fail(STATUS_REFUSED, &why);
	error = tsr_vm_add_ram(&machine->vm, &machine->ram, options->slot_policy, &why);
	if (error)
		return fail(error == -EOPNOTSUPP ? STATUS_NO_TAGS : STATUS_REFUSED, &why);
	status = policies_init(&machine->policies, options, &machine->vm, &machine->ram,
			       file->data ? &file->image : NULL, &machine->tally,
			       &machine->timeline, &why);
	if (status)
		return fail(status, &why);
	devices_init(machine);
	pthread_mutex_init(&machine->lock, NULL);
	pause_init(&machine->pause);
	machine->wake = eventfd(0, EFD_CLOEXEC);
	if (machine->wake < 0) {
		tsr_because(&why, -errno, "Cannot make an eventfd: %s.", strerror(errno));
		status = fail(STATUS_RUN_FAILED, &why);
	} else {
		status = service_init(machine, &why) ? fail(STATUS_REFUSED, &why)
						     : with_vcpus(machine, file, signals);
		service_close(&machine->service);
		close(machine->wake);
	}
	pause_destroy(&machine->pause);
	policies_destroy(&machine->policies);
	return status;
}

/* Without a word of the user lazily, if that can be. */
static int choose_tags(struct machine *machine, struct tsr_why *why)
{
	enum tags_when when = machine->options->tags;
	int error;

	if (!machine->vm.mte || when == TAGS_EAGER)
		return 0;
	error = tsr_vm_lazy_tags(&machine->vm, why);
	return when == TAGS_LAZY ? error : 0;
}

static int with_host(struct machine *machine, const struct guest_file *file, int signals)
{
	const struct run_options *options = machine->options;
	unsigned int bits;
	struct tsr_why why;
	int status;

	if (tsr_layout_check(options->ram, options->ram_count, NULL, 0, &bits, &why))
		return fail(STATUS_USAGE, &why);
	if (tsr_vm_create(&machine->vm, &machine->host, bits, options->mte, &why))
		return fail(STATUS_REFUSED, &why);
	if (choose_tags(machine, &why)) {
		tsr_vm_destroy(&machine->vm);
		return fail(STATUS_REFUSED, &why);
	}
	if (tsr_ram_create(&machine->ram, options->ram, options->ram_count, &why)) {
		tsr_vm_destroy(&machine->vm);
		return fail(STATUS_MEMORY, &why);
	}
	status = with_vm(machine, file, signals);
	tsr_vm_destroy(&machine->vm);
	tsr_ram_destroy(&machine->ram);
	return status;
}

int run_command(int argc, char **argv)
{
	static struct run_options options;
	static struct machine machine;
	struct guest_file file = { .image.entry = 0 };
	struct tsr_why why;
	int status, signals;

	if (run_options_parse(argc, argv, &options, &why)) {
		fail(STATUS_USAGE, &why);
		fprintf(stderr, "Try: tessera --help\n");
		return STATUS_USAGE;
	}
	machine.options = &options;
	timeline_init(&machine.timeline, options.timeline);
	if (options.image && tsr_file_read(options.image, &file.data, &file.size, &why))
		return fail(STATUS_IMAGE, &why);
	signals = signals_open();
	file.image.entry = options.entry;
	if (options.image &&
	    tsr_image_parse(file.data, file.size, options.ram[0].gpa.start + FLAT_OFFSET,
			    &file.image, &why)) {
		status = fail(STATUS_IMAGE, &why);
	} else if (tsr_host_open(&machine.host, options.device, &why)) {
		status = fail(STATUS_NO_KVM, &why);
	} else {
		status = with_host(&machine, &file, signals);
		tsr_host_close(&machine.host);
	}
	close(signals);
	free(file.data);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "snapshot.h"
#include "tessera/tags.h"

int service_open(struct service *service, const char *path, struct tsr_why *why)
{
	service->path = path;
	for (size_t i = 0; i < SERVICE_CHANNELS; i++)
		service->channels[i].fd = -1;
	service->socket = channel_listen(path, why);
	return service->socket < 0 ? service->socket : 0;
}

void service_close(struct service *service)
{
	for (size_t i = 0; i < SERVICE_CHANNELS; i++)
		if (service->channels[i].fd >= 0)
			close(service->channels[i].fd);
	if (service->socket < 0)
		return;
	if (service->path)
		unlink(service->path);
	close(service->socket);
	service->socket = -1;
}

void service_poll(const struct service *service, struct pollfd polled[SERVICE_POLLED])
{
	bool room = false;

	for (size_t i = 0; i < SERVICE_CHANNELS; i++) {
		polled[i] = (struct pollfd){ .fd = service->channels[i].fd, .events = POLLIN };
		room |= polled[i].fd < 0;
	}
	polled[SERVICE_CHANNELS] = (struct pollfd){
		.fd = room ? service->socket : -1,
		.events = POLLIN,
	};
}

static void add_holder(struct machine *machine)
{
	pause_hold(&machine->pause);
	for (unsigned int i = 0; i < machine->options->vcpus; i++)
		tsr_vcpu_kick(&machine->vcpus[i]);
}

static void channel_close(struct machine *machine, size_t number)
{
	struct service *service = &machine->service;

	if (service->channels[number].holds)
		pause_release(&machine->pause);
	service->channels[number].holds = false;
	close(service->channels[number].fd);
	service->channels[number].fd = -1;
}

/* The descriptor of a sealed memfd, or -1. */
static int snapshot_make(struct machine *machine)
{
	int fd = memfd_create("tessera-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int copy = fd < 0 ? -1 : dup(fd);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
	struct tsr_lazy *lazy = machine->policies.lazily ? &machine->policies.lazy : NULL;
	int error = file ? snapshot_write(file, &machine->vm, &machine->ram, lazy,
					  machine->options->vcpus)
			 : -EIO;

	if (file)
		fclose(file);
	else if (copy >= 0)
		close(copy);
	if (!error &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int tags_explain(const struct machine *machine, int error, uint64_t gpa, struct tsr_why *why)
{
	if (!machine->vm.mte)
		return tsr_because(why, error, "This VM has no MTE, so its memory has no tags.");
	if (!tsr_tags_have_batch(&machine->vm))
		return tsr_because(why, error,
				   "This hypervisor does not say which pages have tags "
				   "(KVM_TSR_TAG_BATCH). Run the VM on tessera.ko.");
	return tsr_because(why, error, "The tags at 0x%" PRIx64 " cannot be got at: %s.", gpa,
			   strerror(-error));
}

static bool is_private(struct tsr_ram *ram, uint64_t gpa)
{
	const struct tsr_ram_region *region = tsr_ram_find(ram, gpa);

	return region &&
	       tsr_pages_test(&region->private_pages, (gpa - region->gpa.start) / TSR_PAGE_SIZE);
}

/* From @from on, up to @count: the first page which is not as @from is. */
static uint64_t run_end(struct tsr_ram *ram, uint64_t gpa, uint64_t from, uint64_t count)
{
	bool private = is_private(ram, gpa + from * TSR_PAGE_SIZE);
	uint64_t page = from + 1;

	while (page < count && is_private(ram, gpa + page * TSR_PAGE_SIZE) == private)
		page++;
	return page;
}

/* The tags of @count pages, a word's at most. -ENOSPC: they do not fit, and nothing is done. */
static int word_read(struct machine *machine, uint64_t gpa, uint64_t count, struct answer *answer,
		     struct tsr_tags_done *all)
{
	uint64_t *word = &answer->bitmap[all->pages / TSR_TAGS_WORD_PAGES];
	size_t bytes = all->bytes;
	int error = 0;

	*word = 0;
	for (uint64_t page = 0, end; !error && page < count; page = end) {
		uint64_t at = gpa + page * TSR_PAGE_SIZE, bits = 0;
		struct tsr_tags_done done = { 0, 0 };

		end = run_end(&machine->ram, gpa, page, count);
		if (is_private(&machine->ram, at))
			continue;
		error = tsr_tags_read(&machine->vm, at, end - page, &bits, answer->tags + bytes,
				      sizeof(answer->tags) - bytes, &done);
		if (!error && done.pages < end - page)
			error = -ENOSPC;
		*word |= bits << page;
		bytes += done.bytes;
	}
	if (error)
		return error;
	all->pages += count;
	all->bytes = bytes;
	return 0;
}

/* Private pages count as without tags. They stay private, and others shared, for a word's time. */
static int shared_tags_read(struct machine *machine, const struct ask *ask, struct answer *answer,
			    struct tsr_tags_done *done)
{
	int error = 0;

	while (!error && done->pages < ask->pages) {
		uint64_t left = ask->pages - done->pages, gpa = ask->gpa;
		uint64_t count = left < TSR_TAGS_WORD_PAGES ? left : TSR_TAGS_WORD_PAGES;
		struct tsr_range range;

		gpa += done->pages * TSR_PAGE_SIZE;
		range = (struct tsr_range){ gpa, gpa + count * TSR_PAGE_SIZE };
		tsr_ram_lock(&machine->ram, range);
		error = word_read(machine, gpa, count, answer, done);
		tsr_ram_unlock(&machine->ram, range);
	}
	return error == -ENOSPC ? 0 : error;
}

static int tags_read(struct machine *machine, const struct ask *ask, struct answer *answer,
		     struct tsr_why *why)
{
	struct tsr_tags_done done = { 0, 0 };
	int error;

	if (tsr_private_possible(&machine->ram))
		error = shared_tags_read(machine, ask, answer, &done);
	else
		error = tsr_tags_read(&machine->vm, ask->gpa, ask->pages, answer->bitmap,
				      answer->tags, sizeof(answer->tags), &done);

	answer->pages_done = done.pages;
	if (error)
		return tags_explain(machine, error, ask->gpa + done.pages * TSR_PAGE_SIZE, why);
	answer->bytes = (uint32_t)done.bytes;
	return 0;
}

/* Tags are to go where memory cannot hold any: it is promoted, as a guest's access would do. */
static int tags_make_room(struct machine *machine, uint64_t gpa, struct tsr_why *why)
{
	struct tsr_ram_region *region = tsr_ram_find(&machine->ram, gpa);
	struct tsr_promotion promotion;

	if (!region || tsr_region_can_tag(region) ||
	    tsr_pages_test(&region->promoted, (gpa - region->gpa.start) / TSR_PAGE_SIZE))
		return tags_explain(machine, -EFAULT, gpa, why);
	if (machine->options->tag_policy != TAG_PROMOTE || !tsr_region_promotable(region))
		return tsr_because(why, -EFAULT,
				   "The memory at 0x%" PRIx64 " cannot hold tags, and may not be "
				   "promoted.",
				   gpa);
	return tsr_promote(&machine->policies.promoter, gpa, machine->vm.changes, &promotion, why);
}

/* What has been written already is written again after a promotion, to the same effect. */
static int tags_write(struct machine *machine, const struct ask *ask, struct answer *answer,
		      struct tsr_why *why)
{
	struct tsr_tags_done done;
	uint64_t gpa;
	int error;

	do {
		error = tsr_tags_write(&machine->vm, ask->gpa, ask->pages, ask->bitmap, ask->tags,
				       ask->bytes, &done);
		answer->pages_done = done.pages;
		gpa = ask->gpa + done.pages * TSR_PAGE_SIZE;
	} while (error == -EFAULT && !tags_make_room(machine, gpa, why));
	return error && error != -EFAULT ? tags_explain(machine, error, gpa, why) : error;
}

static bool is_held(struct machine *machine, size_t number)
{
	return machine->service.channels[number].holds &&
	       pause_resting(&machine->pause) == machine->options->vcpus;
}

static void state_fill(struct machine *machine, struct answer *answer)
{
	answer->vcpus = machine->options->vcpus;
	answer->resting = pause_resting(&machine->pause);
	answer->paused = machine->pause.holders > 0;
}

static int question_serve(struct machine *machine, size_t number, int *fd, struct tsr_why *why)
{
	struct service *service = &machine->service;

	switch ((enum question)service->ask.question) {
	case ASK_SNAPSHOT:
		*fd = snapshot_make(machine);
		return *fd < 0 ? tsr_because(why, -EIO, "Its memory could not be looked at.") : 0;
	case ASK_PAUSE:
		if (!service->paused)
			add_holder(machine);
		service->paused = true;
		return 0;
	case ASK_RESUME:
		if (service->paused)
			pause_release(&machine->pause);
		service->paused = false;
		return 0;
	case ASK_HOLD:
		if (!service->channels[number].holds)
			add_holder(machine);
		service->channels[number].holds = true;
		return 0;
	case ASK_TAGS:
		return tags_read(machine, &service->ask, &service->answer, why);
	case ASK_TAGS_SET:
		if (!is_held(machine, number))
			return tsr_because(why, -EBUSY, "The guest runs.");
		return tags_write(machine, &service->ask, &service->answer, why);
	case ASK_STATE:
	case ASK_QUESTIONS:
		break;
	}
	return 0;
}

/* One question, if one has come. */
static void channel_serve(struct machine *machine, size_t number)
{
	struct service *service = &machine->service;
	int channel = service->channels[number].fd, fd = -1;
	int error = channel_receive(channel, &service->ask);
	struct tsr_why why = { "" };

	if (error == -EAGAIN)
		return;
	if (!error) {
		memset(&service->answer, 0, ANSWER_HEAD);
		service->answer.error = question_serve(machine, number, &fd, &why);
		if (service->answer.error) {
			service->answer.bytes = (uint32_t)strlen(why.text);
			memcpy(service->answer.tags, why.text, service->answer.bytes);
		}
		state_fill(machine, &service->answer);
		error = channel_reply(channel, &service->answer, fd);
	}
	if (fd >= 0)
		close(fd);
	if (error)
		channel_close(machine, number);
}

void service_serve(struct machine *machine, const struct pollfd polled[SERVICE_POLLED])
{
	struct service *service = &machine->service;

	for (size_t i = 0; i < SERVICE_CHANNELS; i++)
		if (polled[i].fd >= 0 && polled[i].revents)
			channel_serve(machine, i);
	if (!(polled[SERVICE_CHANNELS].revents & POLLIN))
		return;
	for (size_t i = 0; i < SERVICE_CHANNELS; i++)
		if (service->channels[i].fd < 0) {
			service->channels[i].fd = channel_accept(service->socket);
			return;
		}
}

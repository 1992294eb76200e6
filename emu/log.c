// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "log.h"

#define EMU_LOG_MAX 4096U

/* Under lock. What does not fit is counted, and found by the test's own count. */
static struct {
	pthread_mutex_t lock;
	unsigned int count;
	struct emu_event event[EMU_LOG_MAX];
	u64 (*desc_of)(void *arg);
	void *arg;
} events = { .lock = PTHREAD_MUTEX_INITIALIZER };

void emu_log_reset(void)
{
	pthread_mutex_lock(&events.lock);
	events.count = 0;
	events.desc_of = NULL;
	pthread_mutex_unlock(&events.lock);
}

void emu_log_watch(u64 (*desc_of)(void *arg), void *arg)
{
	events.desc_of = desc_of;
	events.arg = arg;
}

void emu_log_add(enum emu_event_kind kind, u64 first, u64 count, int level)
{
	pthread_mutex_lock(&events.lock);
	if (events.count < EMU_LOG_MAX)
		events.event[events.count++] = (struct emu_event){
			.kind = kind,
			.first = first,
			.count = count,
			.level = level,
			.desc = events.desc_of ? events.desc_of(events.arg) : 0,
		};
	pthread_mutex_unlock(&events.lock);
}

unsigned int emu_log_count(void)
{
	return events.count;
}

const struct emu_event *emu_log_at(unsigned int i)
{
	return i < events.count ? &events.event[i] : NULL;
}

unsigned int emu_log_count_of(enum emu_event_kind kind)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < events.count; i++)
		n += events.event[i].kind == kind;
	return n;
}

const struct emu_event *emu_log_find(enum emu_event_kind kind, unsigned int from)
{
	for (unsigned int i = from; i < events.count; i++)
		if (events.event[i].kind == kind)
			return &events.event[i];
	return NULL;
}

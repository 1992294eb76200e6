// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "../meter.h"
#include "threads.h"

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

struct job {
	pthread_t thread;
	pthread_barrier_t *start;
	u64 first, step, end, other;
	void *cache;
	double time;
	void (*fault)(void *cache, u64 gfn);
};

/* Before all else that runs here, where that is allowed: else threads hardly ever meet. */
static void *work(void *arg)
{
	struct job *job = arg;

	meter_unpin();
	pthread_setschedparam(pthread_self(), SCHED_RR,
			      &(struct sched_param){ .sched_priority = 1 });
	pthread_barrier_wait(job->start);
	job->time = now();
	for (u64 i = job->first; i < job->end; i += job->step) {
		job->fault(job->cache, i);
		for (u64 k = job->other; k; k -= 2)
			__asm__ volatile("");
	}
	job->time = now() - job->time;
	return NULL;
}

double threads_run(unsigned int count, u64 pages, u64 other, void *(*cache)(void),
		   void (*fault)(void *cache, u64 gfn))
{
	struct job jobs[THREADS_MAX];
	pthread_barrier_t start;
	double time = 0;

	pthread_barrier_init(&start, NULL, count + 1);
	for (unsigned int i = 0; i < count; i++) {
		jobs[i] = (struct job){
			.start = &start,
			.first = i,
			.step = count,
			.end = pages,
			.other = other,
			.cache = cache(),
			.fault = fault,
		};
		if (!jobs[i].cache || pthread_create(&jobs[i].thread, NULL, work, &jobs[i]))
			errx(1, "a thread cannot be had");
	}
	pthread_barrier_wait(&start);
	for (unsigned int i = 0; i < count; i++) {
		pthread_join(jobs[i].thread, NULL);
		time += jobs[i].time;
		free(jobs[i].cache);
	}
	pthread_barrier_destroy(&start);
	return time / (double)pages;
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "../meter.h"
#include "threads.h"

#define THREADS_MAX 8

struct job {
	pthread_t thread;
	pthread_barrier_t *start;
	u64 first, step, end;
	void *cache;
	void (*fault)(void *cache, u64 gfn);
};

static void *work(void *arg)
{
	struct job *job = arg;

	meter_unpin();
	pthread_barrier_wait(job->start);
	for (u64 i = job->first; i < job->end; i += job->step)
		job->fault(job->cache, i);
	return NULL;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

double threads_run(unsigned int count, u64 pages, void *(*cache)(void),
		   void (*fault)(void *cache, u64 gfn))
{
	struct job jobs[THREADS_MAX];
	pthread_barrier_t start;
	double begin;

	pthread_barrier_init(&start, NULL, count + 1);
	for (unsigned int i = 0; i < count; i++) {
		jobs[i] = (struct job){
			.start = &start,
			.first = i,
			.step = count,
			.end = pages,
			.cache = cache(),
			.fault = fault,
		};
		if (!jobs[i].cache || pthread_create(&jobs[i].thread, NULL, work, &jobs[i]))
			errx(1, "a thread cannot be had");
	}
	pthread_barrier_wait(&start);
	begin = now();
	for (unsigned int i = 0; i < count; i++)
		pthread_join(jobs[i].thread, NULL);
	begin = now() - begin;
	for (unsigned int i = 0; i < count; i++)
		free(jobs[i].cache);
	pthread_barrier_destroy(&start);
	return (double)pages / begin;
}

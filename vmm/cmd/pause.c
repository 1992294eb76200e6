/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "pause.h"

void pause_init(struct pause *pause)
{
	pthread_mutex_init(&pause->lock, NULL);
	pthread_cond_init(&pause->over, NULL);
	pause->holders = 0;
	pause->resting = 0;
	pause->ended = false;
}

void pause_destroy(struct pause *pause)
{
	pthread_cond_destroy(&pause->over);
	pthread_mutex_destroy(&pause->lock);
}

void pause_hold(struct pause *pause)
{
	pthread_mutex_lock(&pause->lock);
	pause->holders++;
	pthread_mutex_unlock(&pause->lock);
}

void pause_release(struct pause *pause)
{
	pthread_mutex_lock(&pause->lock);
	pause->holders--;
	pthread_cond_broadcast(&pause->over);
	pthread_mutex_unlock(&pause->lock);
}

void pause_rest(struct pause *pause)
{
	if (!pause->holders)
		return;
	pthread_mutex_lock(&pause->lock);
	pause->resting++;
	while (pause->holders && !pause->ended)
		pthread_cond_wait(&pause->over, &pause->lock);
	pause->resting--;
	pthread_mutex_unlock(&pause->lock);
}

unsigned int pause_resting(struct pause *pause)
{
	unsigned int resting;

	pthread_mutex_lock(&pause->lock);
	/* Who was let go may not have woken yet. */
	resting = pause->holders ? pause->resting : 0;
	pthread_mutex_unlock(&pause->lock);
	return resting;
}

void pause_end(struct pause *pause, bool ended)
{
	pthread_mutex_lock(&pause->lock);
	pause->ended = ended;
	pthread_cond_broadcast(&pause->over);
	pthread_mutex_unlock(&pause->lock);
}

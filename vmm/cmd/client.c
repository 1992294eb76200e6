/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

/* For all vCPUs to rest: one may be fetching memory from a file. */
#define REST_STEPS   1000
#define REST_STEP_US 10000

int client_open(struct client *client, const char *where, struct tsr_why *why)
{
	client->where = where;
	client->channel = channel_connect(where, why);
	return client->channel < 0 ? client->channel : 0;
}

void client_close(struct client *client)
{
	close(client->channel);
}

static int ask(struct client *client, enum question question, int *fd, struct tsr_why *why)
{
	struct answer *answer = &client->answer;

	client->ask.version = CHANNEL_VERSION;
	client->ask.question = question;
	client->ask.pad = 0;
	if (channel_ask(client->channel, &client->ask, answer, fd))
		return tsr_because(why, -EPROTO,
				   "%s gives no answer: it has ended, belongs to another user, or "
				   "is of another version.",
				   client->where);
	if (answer->error)
		tsr_because(why, answer->error, "%.*s", (int)answer->bytes,
			    (const char *)answer->tags);
	return answer->error;
}

int client_ask(struct client *client, enum question question, struct tsr_why *why)
{
	client->ask.bytes = 0;
	return ask(client, question, NULL, why);
}

int client_snapshot(struct client *client, struct snapshot *snapshot, struct tsr_why *why)
{
	int fd = -1, error;
	FILE *file;

	client->ask.bytes = 0;
	error = ask(client, ASK_SNAPSHOT, &fd, why);
	if (error)
		return error;
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		if (fd >= 0)
			close(fd);
		return tsr_because(why, -EPROTO, "%s answers without its memory's picture.",
				   client->where);
	}
	rewind(file);
	error = snapshot_read(file, snapshot, why);
	fclose(file);
	return error;
}

int client_rest(struct client *client, enum question question, struct tsr_why *why)
{
	const struct answer *answer = &client->answer;
	int error = client_ask(client, question, why);

	for (unsigned int i = 0; !error && answer->resting < answer->vcpus; i++) {
		if (i == REST_STEPS) {
			if (question == ASK_PAUSE)
				client_ask(client, ASK_RESUME, NULL);
			return tsr_because(
				why, -ETIMEDOUT, "%s does not come to rest: %u of %u vCPUs run on.",
				client->where, answer->vcpus - answer->resting, answer->vcpus);
		}
		usleep(REST_STEP_US);
		error = client_ask(client, ASK_STATE, why);
	}
	return error;
}

static uint64_t bits_of(const uint64_t *bitmap, uint64_t pages)
{
	uint64_t bits = 0;

	for (uint64_t page = 0; page < pages; page++)
		bits += bitmap[page / 64] >> page % 64 & 1;
	return bits;
}

/* Whoever goes by words is to find no more bits than pages. */
static bool bits_beyond(const uint64_t *bitmap, uint64_t pages)
{
	return pages % 64 && bitmap[pages / 64] >> pages % 64;
}

int client_tags(struct client *client, uint64_t gpa, uint64_t pages, struct tsr_why *why)
{
	const struct answer *answer = &client->answer;
	int error;

	client->ask.gpa = gpa;
	client->ask.pages = pages < CHANNEL_PAGES_MAX ? pages : CHANNEL_PAGES_MAX;
	client->ask.bytes = 0;
	error = ask(client, ASK_TAGS, NULL, why);
	if (error)
		return error;
	if (answer->pages_done && answer->pages_done <= client->ask.pages &&
	    (!(answer->pages_done % 64) || answer->pages_done == client->ask.pages) &&
	    !bits_beyond(answer->bitmap, answer->pages_done) &&
	    answer->bytes == bits_of(answer->bitmap, answer->pages_done) * 128)
		return 0;
	return tsr_because(why, -EPROTO, "%s gives an answer that makes no sense.", client->where);
}

int client_tags_set(struct client *client, struct tsr_why *why)
{
	return ask(client, ASK_TAGS_SET, NULL, why);
}

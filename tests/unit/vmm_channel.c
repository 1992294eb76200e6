/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How a running VM is asked, and how it rests: vmm/cmd/channel.h, vmm/cmd/pause.h. */
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "channel.h"
#include "pause.h"

static void test_questions(void **state)
{
	static const struct {
		struct ask ask;
		int size; /* beyond what the question says */
		bool sound;
	} cases[] = {
		{ { 2, ASK_SNAPSHOT, 0, 0, 0, 0, { 0 }, { 0 } }, 0, true },
		{ { 2, ASK_STATE, 5, 9, 0, 0, { 0 }, { 0 } }, 0, true },
		{ { 2, ASK_HOLD, 0, 0, 0, 0, { 0 }, { 0 } }, 0, true },
		{ { 2, ASK_TAGS, 0x1000, 1, 0, 0, { 0 }, { 0 } }, 0, true },
		{ { 2, ASK_TAGS, 0x1000, 4096, 0, 0, { 0 }, { 0 } }, 0, true },
		{ { 2, ASK_TAGS_SET, 0x1000, 65, 0, 0, { 0 }, { 0 } }, 0, true },
		{ { 2, ASK_TAGS_SET, 0x1000, 65, 256, 0, { 1, 1 }, { 0 } }, 0, true },
		/* Another version, no question, padding, another size. */
		{ { 1, ASK_SNAPSHOT, 0, 0, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, 0, 0, 0, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_QUESTIONS, 0, 0, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_SNAPSHOT, 0, 0, 0, 1, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_SNAPSHOT, 0, 0, 0, 0, { 0 }, { 0 } }, 1, false },
		{ { 2, ASK_SNAPSHOT, 0, 0, 0, 0, { 0 }, { 0 } }, -1, false },
		{ { 2, ASK_SNAPSHOT, 0, 0, 0, 0, { 0 }, { 0 } }, -(int)ASK_HEAD, false },
		{ { 2, ASK_SNAPSHOT, 0, 0, 1, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_SNAPSHOT, 0, 0, CHANNEL_TAGS_MAX + 1, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_SNAPSHOT, 0, 0, UINT32_MAX, 0, { 0 }, { 0 } }, 0, false },
		/* Ranges: empty, too long, unaligned, across the end of all addresses. */
		{ { 2, ASK_TAGS, 0x1000, 0, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_TAGS, 0x1000, 4097, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_TAGS, 0x1000, UINT64_MAX, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_TAGS, 0x1800, 1, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_TAGS, UINT64_MAX - 0xfff, 2, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_TAGS, 0x1000, 1, 128, 0, { 1 }, { 0 } }, 0, false },
		/* Tags that are not as many as the bits; bits behind the range do not count. */
		{ { 2, ASK_TAGS_SET, 0x1000, 65, 128, 0, { 1, 1 }, { 0 } }, 0, false },
		{ { 2, ASK_TAGS_SET, 0x1000, 64, 256, 0, { 1, 1 }, { 0 } }, 0, false },
		{ { 2, ASK_TAGS_SET, 0x1000, 0, 0, 0, { 0 }, { 0 } }, 0, false },
		{ { 2, ASK_TAGS_SET, 0x1800, 1, 128, 0, { 1 }, { 0 } }, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = ASK_HEAD + cases[i].ask.bytes + (size_t)cases[i].size;

		if (ask_is_sound(&cases[i].ask, size) != cases[i].sound)
			fail_msg("case %zu", i);
	}
}

/* A whole conversation: who asks waits in a thread of its own. */
static void *ask_thread(void *path)
{
	static struct answer answer;
	static struct ask ask = { .version = CHANNEL_VERSION, .question = ASK_STATE };
	int channel = channel_connect(path, NULL), fd = -1;

	if (channel < 0 || channel_ask(channel, &ask, &answer, NULL) || answer.vcpus != 7)
		return "the first answer";
	ask.question = ASK_TAGS_SET;
	ask.pages = CHANNEL_PAGES_MAX;
	for (size_t i = 0; i < 8; i++)
		ask.bitmap[i] = UINT64_MAX;
	ask.bytes = CHANNEL_TAGS_MAX;
	if (channel_ask(channel, &ask, &answer, &fd) || answer.bytes != CHANNEL_TAGS_MAX ||
	    answer.tags[CHANNEL_TAGS_MAX - 1] != 9 || fd < 0)
		return "the longest answer, with a descriptor";
	if (write(fd, "ok", 2) != 2)
		return "the descriptor";
	close(fd);
	/* What is no question ends it. */
	ask.version = 0;
	if (!channel_ask(channel, &ask, &answer, NULL))
		return "an answer to nonsense";
	close(channel);
	return NULL;
}

static int receive(int channel, struct ask *ask)
{
	int error;

	while ((error = channel_receive(channel, ask)) == -EAGAIN)
		usleep(1000);
	return error;
}

static void test_conversation(void **state)
{
	static struct answer answer;
	static struct ask ask;
	char path[] = "/tmp/vmm_channel.XXXXXX", text[3] = "";
	int listening, channel, ends[2];
	struct tsr_why why = { "" };
	pthread_t thread;
	void *failed;

	assert_true(mkstemp(path) >= 0);
	unlink(path);
	listening = channel_listen(path, &why);
	assert_true(listening >= 0);
	assert_int_equal(channel_accept(listening), -1);
	assert_true(channel_listen(path, &why) < 0);
	assert_true(strlen(why.text) > 20);
	assert_int_equal(channel_listen("", &why), -ENAMETOOLONG);
	pthread_create(&thread, NULL, ask_thread, path);
	while ((channel = channel_accept(listening)) < 0)
		usleep(1000);
	assert_int_equal(receive(channel, &ask), 0);
	assert_int_equal(ask.question, ASK_STATE);
	answer.vcpus = 7;
	assert_int_equal(channel_reply(channel, &answer, -1), 0);
	assert_int_equal(receive(channel, &ask), 0);
	assert_int_equal(ask.question, ASK_TAGS_SET);
	assert_int_equal(pipe(ends), 0);
	answer.bytes = CHANNEL_TAGS_MAX;
	answer.tags[CHANNEL_TAGS_MAX - 1] = 9;
	assert_int_equal(channel_reply(channel, &answer, ends[1]), 0);
	close(ends[1]);
	assert_int_equal(read(ends[0], text, 2), 2);
	assert_string_equal(text, "ok");
	assert_int_equal(receive(channel, &ask), -EPROTO);
	close(channel);
	pthread_join(thread, &failed);
	if (failed)
		fail_msg("%s", (const char *)failed);
	close(ends[0]);
	close(listening);
	unlink(path);
	assert_true(channel_connect(path, &why) < 0);
	assert_true(channel_connect("4294967295", &why) < 0);
}

#define THREADS 4

static struct pause pause_of_all;
static _Atomic bool done;
static _Atomic uint64_t steps;

static void *rest_thread(void *unused)
{
	while (!done) {
		pause_rest(&pause_of_all);
		steps++;
	}
	return NULL;
}

static void wait_resting(unsigned int count)
{
	while (pause_resting(&pause_of_all) != count)
		usleep(100);
}

/* While somebody holds nobody takes a step; with the last holder gone all do. */
static void test_pause(void **state)
{
	pthread_t threads[THREADS];
	uint64_t before;

	pause_init(&pause_of_all);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, rest_thread, NULL);
	for (unsigned int round = 0; round < 50; round++) {
		pause_hold(&pause_of_all);
		wait_resting(THREADS);
		before = steps;
		pause_hold(&pause_of_all);
		pause_release(&pause_of_all);
		usleep(200);
		assert_int_equal(pause_resting(&pause_of_all), THREADS);
		assert_int_equal(steps, before);
		pause_release(&pause_of_all);
		assert_int_equal(pause_resting(&pause_of_all), 0);
		while (steps < before + THREADS)
			usleep(100);
	}
	/* Who ends the machine need not know who holds it. */
	pause_hold(&pause_of_all);
	wait_resting(THREADS);
	done = true;
	pause_end(&pause_of_all, true);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pause_destroy(&pause_of_all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_pause),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_channel", tests, NULL, NULL);
}

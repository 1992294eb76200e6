/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tag/codec.h"

#include "look.h"
#include "tags.h"

struct tags_options {
	const char *where, *svg, *dump, *restore, *check;
	bool list, progress;
};

volatile sig_atomic_t tags_signal;

static void on_signal(int signal)
{
	tags_signal = signal;
}

/* So that what was begun is cleared away; SIGPIPE and SIGXFSZ have error returns. */
static void signals_catch(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaction(ending[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

int tags_fail(enum exit_status status, const struct tsr_why *why)
{
	if (tags_signal)
		return STATUS_SIGNAL + tags_signal;
	fprintf(stderr, "tessera: %s\n", why->text);
	return status;
}

/* Nobody but the guest sees the tags of private pages, so all tags are not to be had. */
static int refuse_private(const struct snapshot *snapshot, struct tsr_why *why)
{
	uint64_t size = 0;

	for (size_t i = 0; i < snapshot->slot_count; i++)
		size += look_sums_of(snapshot, &snapshot->slots[i]).private;
	if (!size)
		return 0;
	return tsr_because(why, -EACCES,
			   "%" PRIu64 " pages of this VM are private: their tags are the guest's "
			   "alone, and a file of tags is of all memory or of none.",
			   size / TSR_PAGE_SIZE);
}

int tags_hold(struct client *client, struct tags_layout *layout, struct tsr_why *why)
{
	struct snapshot snapshot;
	int error = client_rest(client, ASK_HOLD, why);

	if (!error)
		error = client_snapshot(client, &snapshot, why);
	if (error)
		return error;
	layout->count = snapshot.slot_count;
	for (size_t i = 0; i < snapshot.slot_count; i++)
		layout->slots[i] = snapshot.slots[i].gpa;
	tags_layout_sort(layout);
	error = refuse_private(&snapshot, why);
	snapshot_free(&snapshot);
	return error;
}

uint64_t tags_layout_size(const struct tags_layout *layout)
{
	uint64_t size = 0;

	for (size_t i = 0; i < layout->count; i++)
		size += tsr_range_size(layout->slots[i]);
	return size;
}

/* What a dump of these pages would take. */
static uint64_t encoded_size(const struct answer *answer)
{
	unsigned char out[TAG_BATCH_ROOM];
	const unsigned char *tags = answer->tags;
	uint64_t size = 0;

	for (uint64_t page = 0; page < answer->pages_done; page += 64) {
		uint64_t holds = answer->bitmap[page / 64], left = answer->pages_done - page;

		if (!holds)
			continue;
		size += tag_batch_encode(tags, holds, left < 64 ? (unsigned int)left : 64, out);
		tags += (size_t)__builtin_popcountll(holds) * TAG_PAGE_PACKED;
	}
	return size;
}

/* Looking at all slots, and how far that has come. */
struct collection {
	struct client *client;
	struct progress progress;
	uint64_t done, holding;
};

static void answer_collect(struct collection *collection, struct snapshot_tags *tags,
			   uint64_t first)
{
	const struct answer *answer = &collection->client->answer;

	for (uint64_t page = 0; page < answer->pages_done; page++)
		if (answer->bitmap[page / 64] >> page % 64 & 1)
			tsr_pages_set(&tags->pages,
				      (struct tsr_page_run){ first + page, first + page + 1 });
	tags->holding += answer->bytes / TAG_PAGE_PACKED;
	tags->encoded += encoded_size(answer);
	collection->holding += answer->bytes / TAG_PAGE_PACKED;
	collection->done += answer->pages_done * TSR_PAGE_SIZE;
	progress_show(&collection->progress, collection->done, collection->holding);
}

static int slot_collect(struct collection *collection, const struct snapshot_slot *slot,
			struct snapshot_tags *tags, struct tsr_why *why)
{
	uint64_t pages = tsr_range_size(slot->gpa) / TSR_PAGE_SIZE, page = 0;

	while (page < pages) {
		int error = tags_signal ? -EINTR : 0;

		if (!error)
			error = client_tags(collection->client,
					    slot->gpa.start + page * TSR_PAGE_SIZE, pages - page,
					    why);
		if (error)
			return error;
		answer_collect(collection, tags, page);
		page += collection->client->answer.pages_done;
	}
	return 0;
}

/* Finds out which pages have tags; those slots that have been looked at have room for it. */
static int collect(struct client *client, struct snapshot *snapshot, struct snapshot_tags *tags,
		   bool asked, struct tsr_why *why)
{
	struct collection collection = { .client = client };
	uint64_t total = 0;
	int error = 0;

	for (size_t i = 0; i < snapshot->slot_count; i++)
		total += tsr_range_size(snapshot->slots[i].gpa);
	progress_begin(&collection.progress, "tags", total, asked);
	for (size_t i = 0; !error && i < snapshot->slot_count; i++) {
		struct snapshot_slot *slot = &snapshot->slots[i];

		error = tsr_pages_init(&tags[i].pages, tsr_range_size(slot->gpa) / TSR_PAGE_SIZE);
		if (error) {
			tsr_because(why, error, "No memory for a picture of slot %zu.", i);
			break;
		}
		slot->tags = &tags[i];
		error = slot_collect(&collection, slot, &tags[i], why);
	}
	progress_end(&collection.progress);
	return error;
}

static int show(struct client *client, const struct tags_options *options)
{
	struct snapshot_tags tags[TSR_RAM_REGIONS_MAX] = { { .holding = 0 } };
	struct snapshot snapshot;
	struct tsr_why why;
	int error = client_snapshot(client, &snapshot, &why);
	int status;

	if (error)
		return tags_fail(STATUS_NO_ANSWER, &why);
	error = collect(client, &snapshot, tags, options->progress, &why);
	if (error)
		status = tags_fail(error == -EPROTO ? STATUS_NO_ANSWER : STATUS_TAGS, &why);
	else
		status = picture_draw(&snapshot, options->svg, options->list);
	for (size_t i = 0; i < snapshot.slot_count; i++)
		if (snapshot.slots[i].tags)
			tsr_pages_free(&tags[i].pages);
	snapshot_free(&snapshot);
	return status;
}

static int parse(int argc, char **argv, struct tags_options *options)
{
	static const struct option table[] = {
		{ "svg", required_argument, NULL, 's' },
		{ "list", no_argument, NULL, 'l' },
		{ "dump", required_argument, NULL, 'd' },
		{ "restore", required_argument, NULL, 'r' },
		{ "check", required_argument, NULL, 'c' },
		{ "progress", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int id, tasks;

	memset(options, 0, sizeof(*options));
	optind = 0;
	opterr = 0;
	while ((id = getopt_long(argc, argv, "+", table, NULL)) != -1) {
		if (id == 's')
			options->svg = optarg;
		else if (id == 'l')
			options->list = true;
		else if (id == 'd')
			options->dump = optarg;
		else if (id == 'r')
			options->restore = optarg;
		else if (id == 'c')
			options->check = optarg;
		else if (id == 'p')
			options->progress = true;
		else
			return -EINVAL;
	}
	tasks = !!options->dump + !!options->restore + !!options->check +
		(options->list || options->svg);
	if (tasks > 1 || optind + !options->check != argc)
		return -EINVAL;
	options->where = argv[optind];
	return 0;
}

int tags_command(int argc, char **argv)
{
	static struct client client;
	struct tags_options options;
	struct tsr_why why;
	int status;

	if (parse(argc, argv, &options)) {
		fprintf(stderr,
			"tessera: tags takes a process or a socket, and before it --dump FILE, "
			"--restore FILE, --svg FILE or --list; or --check FILE alone.\n"
			"Try: tessera --help\n");
		return STATUS_USAGE;
	}
	signals_catch();
	if (options.check)
		return tags_check(options.check, options.progress);
	if (client_open(&client, options.where, &why))
		return tags_fail(STATUS_NO_ANSWER, &why);
	if (options.dump)
		status = tags_dump(&client, options.dump, options.progress);
	else if (options.restore)
		status = tags_restore(&client, options.restore, options.progress);
	else
		status = show(&client, &options);
	client_close(&client);
	return status;
}

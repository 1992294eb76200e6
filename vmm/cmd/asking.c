/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <getopt.h>
#include <string.h>

#include "asking.h"
#include "client.h"
#include "look.h"
#include "options.h"

struct inspect_options {
	const char *where, *svg;
	bool list;
};

static int parse(int argc, char **argv, struct inspect_options *options)
{
	static const struct option table[] = {
		{ "svg", required_argument, NULL, 's' },
		{ "list", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	int id;

	memset(options, 0, sizeof(*options));
	optind = 0;
	opterr = 0;
	while ((id = getopt_long(argc, argv, "+", table, NULL)) != -1) {
		if (id == 's')
			options->svg = optarg;
		else if (id == 'l')
			options->list = true;
		else
			return -EINVAL;
	}
	if (optind + 1 != argc)
		return -EINVAL;
	options->where = argv[optind];
	return 0;
}

static int no_answer(const struct tsr_why *why)
{
	fprintf(stderr, "tessera: %s\n", why->text);
	return STATUS_NO_ANSWER;
}

int inspect_command(int argc, char **argv)
{
	static struct client client;
	struct inspect_options options;
	struct snapshot snapshot;
	struct tsr_why why;
	int error, status;

	if (parse(argc, argv, &options)) {
		fprintf(stderr, "tessera: inspect takes a process or a socket, and before it "
				"--svg FILE or --list.\nTry: tessera --help\n");
		return STATUS_USAGE;
	}
	if (client_open(&client, options.where, &why))
		return no_answer(&why);
	error = client_snapshot(&client, &snapshot, &why);
	client_close(&client);
	if (error)
		return no_answer(&why);
	status = picture_draw(&snapshot, options.svg, options.list);
	snapshot_free(&snapshot);
	return status;
}

static int pause_or_resume(int argc, char **argv, enum question question)
{
	static struct client client;
	struct tsr_why why;
	int error;

	if (argc != 2) {
		fprintf(stderr, "tessera: %s takes a process or a socket.\nTry: tessera --help\n",
			argv[0]);
		return STATUS_USAGE;
	}
	if (client_open(&client, argv[1], &why))
		return no_answer(&why);
	error = question == ASK_PAUSE ? client_rest(&client, question, &why)
				      : client_ask(&client, question, &why);
	client_close(&client);
	return error ? no_answer(&why) : STATUS_PASSED;
}

int pause_command(int argc, char **argv)
{
	return pause_or_resume(argc, argv, ASK_PAUSE);
}

int resume_command(int argc, char **argv)
{
	return pause_or_resume(argc, argv, ASK_RESUME);
}

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <getopt.h>
#include <string.h>

#include "inspector.h"
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

static int draw(const struct inspect_options *options, const struct snapshot *snapshot)
{
	FILE *file = stdout;
	int failed;

	if (options->svg && strcmp(options->svg, "-"))
		file = fopen(options->svg, "we");
	if (!file) {
		fprintf(stderr, "tessera: Cannot write %s: %s.\n", options->svg, strerror(errno));
		return STATUS_NO_ANSWER;
	}
	if (options->svg)
		picture_svg(file, snapshot);
	else
		picture_text(file, snapshot, options->list);
	failed = ferror(file) | (file == stdout ? fflush(file) : fclose(file));
	if (failed)
		fprintf(stderr, "tessera: The picture could not be written.\n");
	return failed ? STATUS_NO_ANSWER : STATUS_PASSED;
}

int inspect_command(int argc, char **argv)
{
	struct inspect_options options;
	struct snapshot snapshot;
	struct tsr_why why;
	FILE *answer;
	int error, status;

	if (parse(argc, argv, &options)) {
		fprintf(stderr, "tessera: inspect takes a process or a socket, and before it "
				"--svg FILE or --list.\nTry: tessera --help\n");
		return STATUS_USAGE;
	}
	error = inspector_ask(options.where, &answer, &why);
	if (!error) {
		error = snapshot_read(answer, &snapshot, &why);
		fclose(answer);
	}
	if (error) {
		fprintf(stderr, "tessera: %s\n", why.text);
		return STATUS_NO_ANSWER;
	}
	status = draw(&options, &snapshot);
	snapshot_free(&snapshot);
	return status;
}

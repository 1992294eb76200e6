// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bench-mark COMMAND [ARGUMENT...]: runs it between the markers of bench/count.c, for a
 * program that has none of its own. The status is the command's.
 */
#include <err.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mark.h"

int main(int argc, char **argv)
{
	int status;
	pid_t child;

	if (argc < 2)
		errx(2, "usage: bench-mark COMMAND [ARGUMENT...]");
	mark_start();
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child) {
		execvp(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	if (waitpid(child, &status, 0) != child)
		err(1, "waitpid");
	mark_end();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

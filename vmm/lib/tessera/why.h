/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Why something failed, for a person.
 *
 * Each function of libtessera that can fail for more than one reason takes a
 * struct tsr_why, fills it with plain sentences (what happened, why, what to
 * do) and returns a negative errno value. The text is only valid after a
 * failure; a caller that does not want it passes NULL.
 */
#ifndef TESSERA_WHY_H
#define TESSERA_WHY_H

struct tsr_why {
	char text[640];
};

/* Stores the sentence and returns @error, so that a failure is one statement. */
int tsr_because(struct tsr_why *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif

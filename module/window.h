/* SPDX-License-Identifier: GPL-2.0-only */
/* Windows to memory that the kernel does not map; core/seam.h says what they are for. */
#ifndef MODULE_WINDOW_H
#define MODULE_WINDOW_H

#include "types.h"

/*
 * Where the page of @hpa can be cleaned, which the kernel does not map, or NULL; and how much
 * of *@size can be from there on, or has to be passed by. Neither sleeps.
 */
void *tsr_window_get(struct hpa hpa, u64 *size);
/* The end of the use of what was got. */
void tsr_window_put(struct hpa hpa);

/* No VM is left: what was closed is unmapped when this returns. Sleeps. */
void tsr_windows_exit(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What tests/host/moving.c tells its guest, and hears from it: 64-bit words. */
#ifndef MOVING_GUEST_H
#define MOVING_GUEST_H

#define PARAM_BASE   0	/* guest address of the pages */
#define PARAM_PAGES  8	/* how many there are */
#define PARAM_TAGS   16 /* not 0: tags are used */
#define PARAM_VCPUS  24 /* at most 8 */
#define PARAM_STOP   32 /* not 0: each vCPU ends after its round */
#define PARAM_ERRORS 40 /* out */
#define PARAM_DONE   48 /* out: vCPUs that have ended */
#define PARAM_ROUNDS 64 /* out: 8 bytes a vCPU */

/* In each page, a vCPU's own. */
#define COUNT_STEP 64	/* + 64 * index: a count of its rounds */
#define GRANULES   1024 /* + 16 * index: a granule, its data and its tag from the count */

#ifndef __ASSEMBLER__
extern const unsigned char moving_guest_start[], moving_guest_end[];
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What tests/host/promote.c tells its guest, and hears from it: 64-bit words. */
#ifndef PROMOTE_GUEST_H
#define PROMOTE_GUEST_H

#define PARAM_BASE    0	 /* guest address of the pages */
#define PARAM_PAGES   8	 /* how many there are: a power of two */
#define PARAM_FACTOR  16 /* an odd number, which scatters the touches */
#define PARAM_TOUCHES 24 /* pages touched in a round */
#define PARAM_ROUNDS  32 /* at least 2: tags are not used in the first */
#define PARAM_VCPUS   40 /* at most 8 */
#define PARAM_ERRORS  48 /* out */
#define PARAM_DONE    56 /* vCPUs that have finished */

#define WORD_OF_VMM 512 /* offset in each page */

#ifndef __ASSEMBLER__
extern const unsigned char promote_guest_start[], promote_guest_end[];
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's view of its machine, shared by C and assembly.
 *
 * Stage 1 is one static table of 512 blocks of 1 GiB, cut into four windows of
 * 128 GiB. Each window shows the same intermediate physical addresses (IPA):
 *
 *	WINDOW_KERNEL	identity; EL1 only, executable; Normal Tagged
 *	WINDOW_USER	EL0 and EL1 read and write, executable at EL0; Normal Tagged
 *	WINDOW_UNTAGGED	EL1 only, never executable; Normal, not Tagged
 *	WINDOW_NONE	nothing: any access is a stage-1 translation fault
 *
 * The first GiB of each window but the last is Device memory. Being part of the
 * image, the table is never written with the MMU off, so no cache maintenance
 * is needed for it (the hypervisor hands over an image that is clean to PoC).
 */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define WINDOW_SHIFT	37
#define WINDOW_KERNEL	0x0000000000
#define WINDOW_USER	0x2000000000
#define WINDOW_UNTAGGED 0x4000000000
#define WINDOW_NONE	0x6000000000

#define RAM_BASE     0x40000000
#define UART_BASE    0x09000000
#define CONTROL_BASE 0x09040000

#define PAGE_SIZE 4096

/*
 * Each vCPU owns one aligned block: struct cpu at its base, then the stack for
 * EL0, then the stack for EL1 from the top down. cpu_this() finds the block
 * from SP alone, so that every system register is free for a test to change.
 */
#define CPU_BLOCK_SHIFT 15
#define CPU_BLOCK_SIZE	(1 << CPU_BLOCK_SHIFT)
#define CPU_USER_STACK	0x2000
#define CPU_MAX		8

/* struct frame of exception.h, as vectors.S fills it. */
#define FRAME_SP     0xf8
#define FRAME_PC     0x100
#define FRAME_PSTATE 0x108
#define FRAME_ESR    0x110
#define FRAME_FAR    0x118
#define FRAME_VECTOR 0x120
#define FRAME_SIZE   0x130

#endif

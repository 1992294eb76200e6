/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Calls to the hypervisor by HVC: SMCCC 1.x (Arm DEN0028) and PSCI 1.x (DEN0022).
 */
#ifndef GUEST_SMCCC_H
#define GUEST_SMCCC_H

#include "types.h"

#define SMCCC_VERSION	    0x80000000
#define SMCCC_ARCH_FEATURES 0x80000001
#define SMCCC_WORKAROUND_1  0x80008000

#define PSCI_VERSION	   0x84000000
#define PSCI_CPU_OFF	   0x84000002
#define PSCI_CPU_ON	   0xc4000003
#define PSCI_AFFINITY_INFO 0xc4000004
#define PSCI_SYSTEM_OFF	   0x84000008
#define PSCI_SYSTEM_RESET  0x84000009
#define PSCI_FEATURES	   0x8400000a

/* Vendor hypervisor calls of KVM's UID; bits of FEATURES say which there are. */
#define SMCCC_VENDOR_FEATURES 0x86000000
#define SMCCC_MEM_INFO	      0xc6000002
#define SMCCC_MEM_SHARE	      0xc6000003
#define SMCCC_MEM_UNSHARE     0xc6000004
#define SMCCC_VENDOR_MEM      0x1c

#define SMCCC_NOT_SUPPORTED (-1)

#define PSCI_SUCCESS		0
#define PSCI_NOT_SUPPORTED	(-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_ALREADY_ON		(-4)

#define PSCI_AFFINITY_ON  0
#define PSCI_AFFINITY_OFF 1

/* Bit 30 of a function number: 64-bit arguments and result. */
#define SMCCC_64 (1u << 30)

/* All that a call may return. */
struct smccc {
	u64 x[4];
};

/* HVC #0 with @function in w0 and up to three arguments in x1..x3. */
static inline struct smccc smccc_call_all(u32 function, u64 a, u64 b, u64 c)
{
	register u64 x0 asm("x0") = function;
	register u64 x1 asm("x1") = a;
	register u64 x2 asm("x2") = b;
	register u64 x3 asm("x3") = c;

	/* SMCCC 1.0 lets a call destroy x4..x17; later versions keep them. */
	asm volatile("hvc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		     :
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
		       "x16", "x17", "memory");
	return (struct smccc){ { x0, x1, x2, x3 } };
}

/* The result in x0, sign-extended from 32 bits for a 32-bit function. */
static inline s64 smccc_call(u32 function, u64 a, u64 b, u64 c)
{
	u64 x0 = smccc_call_all(function, a, b, c).x[0];

	return function & SMCCC_64 ? (s64)x0 : (s64)(int32_t)x0;
}

#endif

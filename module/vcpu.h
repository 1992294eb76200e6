/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual CPU, as the rooms of the CPU side share it.
 *
 * Three places hold a vCPU's registers. The general ones are in ctx. System registers
 * live in reg[] while the vCPU is not loaded, and those that world.c loads live in the
 * physical CPU while it is; tsr_vreg_get() and tsr_vreg_set() look in the right place.
 * The V registers are in ctx.fp unless fp_live.
 *
 * The thread in an ioctl of the vCPU owns it (mutex); what other vCPUs and the host may
 * touch meanwhile has its own lock, or is atomic, and says so.
 */
#ifndef MODULE_VCPU_H
#define MODULE_VCPU_H

#include <linux/bitops.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/signal_types.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <asm/esr.h>
#include <asm/debug-monitors.h>

#include "debug.h"
#include "dirty_ring.h"
#include "stats.h"
#include "switch.h"
#include "tessera.h"

/* What reg[] holds. Up to VREG_LOADED_END they are in the CPU while it is loaded. */
enum tsr_vreg {
	VREG_SCTLR,
	VREG_CPACR,
	VREG_TTBR0,
	VREG_TTBR1,
	VREG_TCR,
	VREG_MAIR,
	VREG_AMAIR,
	VREG_VBAR,
	VREG_CONTEXTIDR,
	VREG_CNTKCTL,
	VREG_ESR,
	VREG_FAR,
	VREG_AFSR0,
	VREG_AFSR1,
	VREG_ELR,
	VREG_SPSR,
	VREG_SP_EL1,
	VREG_PAR,
	VREG_TPIDR_EL1,
	VREG_TPIDR_EL0,
	VREG_TPIDRRO_EL0,
	VREG_CNTV_CTL,
	VREG_CNTV_CVAL,
	/* With MTE only. */
	VREG_TFSR,
	VREG_TFSRE0,
	/* With PAuth only; key A for instructions is in ctx. */
	VREG_APIB_LO,
	VREG_APIB_HI,
	VREG_APDA_LO,
	VREG_APDA_HI,
	VREG_APDB_LO,
	VREG_APDB_HI,
	VREG_APGA_LO,
	VREG_APGA_HI,
	/* With RAS only: VDISR_EL2. */
	VREG_DISR,
	VREG_LOADED_END,

	/* In the CPU while the guest runs, with MTE only. */
	VREG_RGSR = VREG_LOADED_END,
	VREG_GCR,
	/* Never in the CPU: accesses trap. */
	VREG_MPIDR,
	VREG_ACTLR,
	VREG_CSSELR,
	VREG_CNTP_CTL,
	VREG_CNTP_CVAL,
	VREG_MDCCINT,
	VREG_MDSCR,
	VREG_OSLSR,
	VREG_DBGVCR32,
	VREG_DACR32,
	VREG_IFSR32,
	VREG_FPEXC32,
	VREG_SPSR_AA32, /* abt, und, irq, fiq */
	VREG_DBGBVR = VREG_SPSR_AA32 + 4,
	VREG_DBGBCR = VREG_DBGBVR + TSR_DEBUG_PAIRS,
	VREG_DBGWVR = VREG_DBGBCR + TSR_DEBUG_PAIRS,
	VREG_DBGWCR = VREG_DBGWVR + TSR_DEBUG_PAIRS,
	VREG_COUNT = VREG_DBGWCR + TSR_DEBUG_PAIRS,
};

/* What a vCPU's thread has to look at before it enters the guest. */
enum tsr_request {
	TSR_REQUEST_KICK,  /* nothing more than to look round */
	TSR_REQUEST_POWER, /* mp_state is not RUNNABLE, or was not */
	TSR_REQUEST_RESET, /* power.reset waits to be applied */
	TSR_REQUEST_STEAL, /* the stolen time is to be brought up to date */
	TSR_REQUEST_RING,  /* the dirty ring was full */
};

/* What a handler of an exit decides. */
enum tsr_next {
	TSR_NEXT_GUEST, /* go on */
	TSR_NEXT_USER,	/* KVM_RUN returns run_error */
};

/* What PSCI CPU_ON asks of the vCPU it turns on. */
struct tsr_reset {
	u64 pc;
	u64 x0;
	bool big_endian;
};

/* A load or store that the VMM is to complete (KVM_EXIT_MMIO). */
struct tsr_mmio {
	bool pending;
	bool is_write;
	bool sign; /* a load: sign-extend */
	bool wide; /* a load: the register is an X register */
	u8 len;	   /* 1, 2, 4, 8 */
	u8 rt;	   /* 31 is the zero register */
};

/* Stolen time (pvtime.h). */
#define TSR_PVTIME_NONE (~0ULL)

struct tsr_pvtime {
	u64 ipa;			  /* of the structure; TSR_PVTIME_NONE: not placed */
	u64 waited;			  /* at the last update, by the account of thread */
	const struct task_struct *thread; /* compared, nothing more */
};

/* The last synchronous exception from the guest. */
struct tsr_syndrome {
	u64 esr;
	u64 far;	/* aborts */
	u64 ipa;	/* aborts: page aligned; see ipa_valid */
	bool ipa_valid; /* false: FAR did not translate (any more) */
};

/* The host's registers that make room for the guest's while it is loaded. */
struct tsr_host_state {
	u64 hcr;
	u64 hcrx;
	u64 mdcr;
	u64 cnthctl;
	u64 tpidr_el0;
	u64 tpidrro_el0;
	u64 tfsre0;
	u64 mpam2;
	u64 key[8];
};

struct tsr_vcpu {
	struct tsr_ctx ctx;
	struct tsr_syndrome syndrome;
	u64 hcr;	       /* HCR_EL2 in the guest */
	u64 cptr;	       /* CPTR_EL2 in the guest; FPEN as fp_live */
	unsigned long vectors; /* VBAR_EL2 in the guest: this CPU's (harden.h) */
	bool fp_live;	       /* the V registers are the guest's, the host's are put away */
	bool mte;	       /* constant from KVM_ARM_VCPU_INIT on, as are the next two */
	bool pauth;
	bool initialised;
	bool loaded; /* on this CPU; changes in the thread itself or its preemption */
	u64 reg[VREG_COUNT];
	struct tsr_host_state host;
	struct user_fpsimd_state fp_preempted; /* the kernel's: see kernel_neon_begin() */

	unsigned long requests;	  /* atomic: BIT(enum tsr_request) */
	bool in_guest;		  /* pairs with requests: see tsr_vcpu_kick() */
	struct task_struct *task; /* in KVM_RUN; RCU */
	struct wait_queue_head wait;

	spinlock_t power_lock;
	u32 mp_state;		/* [power_lock to change] KVM_MP_STATE_RUNNABLE, _STOPPED */
	struct tsr_reset reset; /* [power_lock] */

	struct mutex mutex; /* one ioctl at a time */
	struct tsr_vm *vm;  /* constant, as is id */
	unsigned int id;
	u64 clidr;	     /* CLIDR_EL1, from the first init on [tsr_vm.lock to change] */
	struct kvm_run *run; /* one page; the VMM writes it at any time */
	struct preempt_notifier notifier;
	u32 features; /* BIT(KVM_ARM_VCPU_*), constant after the first init */
	bool sigset_active;
	sigset_t sigset;
	struct tsr_mmio mmio;
	bool serror_pending; /* HCR_EL2.VSE is set */
	u64 serror_esr;	     /* its VSESR_EL2 */
	int run_error;	     /* what KVM_RUN returns: 0 or -errno */
	struct tsr_debug debug;
	struct tsr_vcpu_stats stats;
	struct tsr_pvtime pvtime;
	unsigned int stuck;    /* aborts in a row whose address did not translate */
	struct s2_cache cache; /* pages for core's translation tables */
	struct tsr_dirty_ring dirty_ring;
};

static inline u64 tsr_ec(const struct tsr_vcpu *v)
{
	return ESR_ELx_EC(v->syndrome.esr);
}

/* Register @n of a trapped instruction: 31 is the zero register. */
static inline u64 tsr_reg_get(const struct tsr_vcpu *v, unsigned int n)
{
	return n == 31 ? 0 : v->ctx.x[n];
}

static inline void tsr_reg_set(struct tsr_vcpu *v, unsigned int n, u64 value)
{
	if (n != 31)
		v->ctx.x[n] = value;
}

/* Steps over the instruction that trapped, as its execution would have. */
static inline void tsr_skip(struct tsr_vcpu *v)
{
	v->ctx.pc += 4;
	v->ctx.pstate &= ~(PSR_BTYPE_MASK | DBG_SPSR_SS);
}

/* world.c: a register of reg[], wherever it is now. */
u64 tsr_vreg_get(struct tsr_vcpu *v, enum tsr_vreg r);
void tsr_vreg_set(struct tsr_vcpu *v, enum tsr_vreg r, u64 value);

/* vcpu.c: sets a request and makes the vCPU's thread see it. */
void tsr_vcpu_request(struct tsr_vcpu *v, enum tsr_request request);
/* Registers as after KVM_ARM_VCPU_INIT, but for mp_state. */
void tsr_vcpu_reset(struct tsr_vcpu *v);

/* run.c: KVM_RUN; api.rst 4.10. With mutex held. */
long tsr_vcpu_run(struct tsr_vcpu *v);
/*
 * Applies the reset of a PSCI CPU_ON that the vCPU has not run since: before the VMM reads or
 * writes its state. Not loaded, with mutex held.
 */
void tsr_vcpu_settle(struct tsr_vcpu *v);

/* fp.c: the FP/SIMD registers. In the thread itself, with interrupts on. */
void tsr_fp_acquire(struct tsr_vcpu *v);
void tsr_fp_release(struct tsr_vcpu *v);

/* trap.c: what a synchronous exit asks for. Sleeps. */
enum tsr_next tsr_trap(struct tsr_vcpu *v);

/*
 * s1walk.c: at which level the guest's walk for @va reads its descriptor from the page @ipa;
 * negative: it does not (any more). Sleeps.
 */
int tsr_s1_level(struct tsr_vcpu *v, u64 va, u64 ipa);

/* exit.c: kvm_run from outcomes. */
enum tsr_next tsr_exit_fault(struct tsr_vcpu *v, const struct vm_fault_result *result);
enum tsr_next tsr_exit_mmio(struct tsr_vcpu *v);
enum tsr_next tsr_exit_debug(struct tsr_vcpu *v);
enum tsr_next tsr_exit_error(struct tsr_vcpu *v, int error);
enum tsr_next tsr_exit_internal(struct tsr_vcpu *v, u32 suberror);
/* The call @fn is the VMM's to answer; PC is after it. */
enum tsr_next tsr_exit_hypercall(struct tsr_vcpu *v, u32 fn);
enum tsr_next tsr_exit_system(struct tsr_vcpu *v, u32 type, u64 flags);
/* At the next KVM_RUN: the VMM has completed the access. */
void tsr_mmio_complete(struct tsr_vcpu *v);

/* inject.c: exceptions for the guest's EL1 (Arm ARM, AArch64.TakeException). */
void tsr_inject_undefined(struct tsr_vcpu *v);
/* The access that trapped to EL2 with @esr traps to EL1 instead. */
void tsr_inject_trap(struct tsr_vcpu *v, u64 esr);
/* A synchronous abort at @far, of a fetch or a data access, with @fsc (ESR_ELx.FSC). */
void tsr_inject_abort(struct tsr_vcpu *v, bool fetch, u64 far, u64 fsc);
/* A virtual SError, taken when the guest unmasks it; @esr is its ISS (ISV: none known). */
#define TSR_SERROR_UNKNOWN ESR_ELx_ISV
void tsr_inject_serror(struct tsr_vcpu *v, u64 esr);

/* caches.c: the guest writes a register that HCR_EL2.TVM traps. False: it does not. Sleeps. */
bool tsr_caches_write(struct tsr_vcpu *v, enum tsr_vreg r, u64 value);
/* Data cache maintenance by set and way. Sleeps. */
void tsr_caches_set_way(struct tsr_vcpu *v);
/* KVM_ARM_VCPU_INIT of a vCPU that may have run. Sleeps. */
void tsr_caches_restart(struct tsr_vcpu *v);

/* sysreg.c: a trapped MRS, MSR or SYS. */
enum tsr_next tsr_sysreg_trap(struct tsr_vcpu *v);

/* smccc.c: the call that x0 names. */
enum tsr_next tsr_smccc_call(struct tsr_vcpu *v);
/* Those that only compute; true: answered. Callable with interrupts off. */
bool tsr_smccc_fast(struct tsr_vcpu *v);

#endif

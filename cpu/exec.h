/* Handlers of instructions that touch segments, rings and the system; one contract: cpu/insn.h. */
#ifndef CPU_EXEC_H
#define CPU_EXEC_H

#include "cpu/insn.h"

/* sreg.c */
insn_exec exec_mov_from_sreg, exec_mov_to_sreg, exec_push_sreg, exec_pop_sreg,
	exec_load_far_pointer;
/* far.c */
insn_exec exec_call_far_imm, exec_jmp_far_imm, exec_call_far_mem, exec_jmp_far_mem, exec_ret_far;
/* softint.c, iret.c */
insn_exec exec_int_n, exec_int3, exec_into, exec_icebp, exec_iret;
/* sysenter.c */
insn_exec exec_sysenter, exec_sysexit;
/* eflags.c */
insn_exec exec_cli, exec_sti, exec_stac, exec_clac, exec_pushf, exec_popf;
/* system.c */
insn_exec exec_hlt, exec_lgdt, exec_lidt, exec_sgdt, exec_sidt, exec_lldt, exec_sldt, exec_ltr,
	exec_str, exec_invlpg, exec_invd, exec_wbinvd;
/* selectors.c */
insn_exec exec_verr, exec_verw, exec_lar, exec_lsl, exec_arpl;
/* control.c */
insn_exec exec_lmsw, exec_smsw, exec_clts, exec_mov_to_cr, exec_mov_from_cr, exec_mov_to_dr,
	exec_mov_from_dr;
/* msr.c, cpuid.c */
insn_exec exec_rdtsc, exec_rdmsr, exec_wrmsr, exec_rdpmc, exec_cpuid;
/* io.c */
insn_exec exec_in_imm, exec_in_dx, exec_out_imm, exec_out_dx, exec_ins, exec_outs;

#endif

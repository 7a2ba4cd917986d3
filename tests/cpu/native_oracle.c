/*
 * The host's processor as an oracle. Linux gives every process a flat 32-bit code segment (selector 23 hex) beside
 * the 64-bit one (33): a far jump enters compatibility mode, where instructions mean what they mean to a 32-bit
 * processor, and a far jump behind the instruction comes back. What the instruction raises arrives as a signal.
 *
 * NOT IMPLEMENTED: hosts other than x86-64 Linux.
 */
#define _GNU_SOURCE /* the names of registers in a signal frame */
#include "tests/cpu/native_oracle.h"

#if defined(__x86_64__) && defined(__linux__)

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>

/* Everything below 4 GiB: code, data, and what the assembly shares with C. */
enum { CONTEXT = 0x26000, END = 0x28000 };

struct context {
	struct native_state in, out;
	uint64_t flags_in, flags_out;
	uint64_t host_rsp;
	uint64_t back;     /* native_back */
	uint32_t entry;    /* m16:32 of the far jump */
	uint16_t entry_cs;
	uint8_t branched;
};

#define BACK (NATIVE_CODE + 0x100)     /* 64-bit code: on to native_back */
#define BACK_TAKEN (NATIVE_CODE + 0x120)

/* Offsets in struct context for the assembly; checked in native_start(). */
#define C_IN "0x26000"
#define C_OUT "0x26230"
#define C_FLAGS_IN "0x26460"
#define C_FLAGS_OUT "0x26468"
#define C_RSP "0x26470"
#define C_ENTRY "0x26480"

void native_enter(void);
void native_back(void);

__asm__(".text\n"
	".globl native_enter, native_back\n"
	".hidden native_enter, native_back\n"
	"native_enter:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, " C_RSP "\n"
	"	mov $0x2b, %ecx\n	mov %ecx, %ds\n	mov %ecx, %es\n"
	"	fxrstor " C_IN "+0x30\n"
	"	pushq " C_FLAGS_IN "\n	popfq\n"
	"	movl " C_IN ", %eax\n	movl " C_IN "+4, %ecx\n	movl " C_IN "+8, %edx\n	movl " C_IN "+12, %ebx\n"
	"	movl " C_IN "+16, %esp\n	movl " C_IN "+20, %ebp\n	movl " C_IN "+24, %esi\n"
	"	movl " C_IN "+28, %edi\n"
	"	ljmpl *" C_ENTRY "\n"
	"native_back:\n"
	"	movl %eax, " C_OUT "\n	movl %ecx, " C_OUT "+4\n	movl %edx, " C_OUT "+8\n	movl %ebx, " C_OUT "+12\n"
	"	movl %esp, " C_OUT "+16\n	movl %ebp, " C_OUT "+20\n	movl %esi, " C_OUT "+24\n"
	"	movl %edi, " C_OUT "+28\n"
	"	mov " C_RSP ", %rsp\n"
	"	pushfq\n	popq " C_FLAGS_OUT "\n"
	"	pushq $0x202\n	popfq\n"
	"	fxsave " C_OUT "+0x30\n"
	"	fninit\n	pushq $0x1f80\n	ldmxcsr (%rsp)\n	add $8, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
	"	ret\n");

/* The signal handler needs to find them; one oracle a process, as the addresses are fixed. */
static sigjmp_buf after_fault;
static volatile sig_atomic_t fault_vector;

static struct context *context(void)
{
	return (struct context *)(uintptr_t)CONTEXT;
}

static void on_signal(int sig, siginfo_t *info, void *ucontext)
{
	static const uint8_t order[8] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI };
	ucontext_t *u = ucontext;

	(void)info;
	if ((u->uc_mcontext.gregs[REG_CSGSFS] & 0xffff) != 0x23)
		abort(); /* not the instruction's: a mistake of the test */
	for (unsigned k = 0; k < 8; k++)
		context()->out.gpr[k] = (uint32_t)u->uc_mcontext.gregs[order[k]];
	context()->flags_out = (uint64_t)u->uc_mcontext.gregs[REG_EFL];
	(void)sig;
	fault_vector = (int)u->uc_mcontext.gregs[REG_TRAPNO];
	siglongjmp(after_fault, 1);
}

static void far_jump(uint8_t *p, uint32_t to)
{
	uint8_t code[7] = { 0xea, (uint8_t)to, (uint8_t)(to >> 8), (uint8_t)(to >> 16), (uint8_t)(to >> 24), 0x33, 0 };

	memcpy(p, code, sizeof(code));
}

const char *native_start(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	static const uint8_t taken[] = { 0xc6, 0x04, 0x25 }, jump[] = { 0xff, 0x24, 0x25 }; /* mov m8, 1; jmp m64 */
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	uint32_t back = CONTEXT + offsetof(struct context, back), flag = CONTEXT + offsetof(struct context, branched);
	stack_t stack = { .ss_size = 1 << 17 };
	uint8_t *code, nop = 0x90;
	struct native_state s;
	uint8_t data[NATIVE_DATA_SIZE] = { 0 };

	if (offsetof(struct context, out) != 0x230 || offsetof(struct context, flags_in) != 0x460 ||
	    offsetof(struct context, entry) != 0x480 || offsetof(struct native_state, fx) != 0x30)
		return "the assembly does not know the layout";
	if (mmap((void *)(uintptr_t)NATIVE_CODE, END - NATIVE_CODE, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)(uintptr_t)NATIVE_CODE)
		return "the host does not let us map memory at 20000";
	stack.ss_sp = malloc(stack.ss_size);
	if (!stack.ss_sp || sigaltstack(&stack, NULL))
		return "no signal stack";
	for (unsigned k = 0; k < sizeof(signals) / sizeof(signals[0]); k++)
		sigaction(signals[k], &act, NULL);
	code = (uint8_t *)(uintptr_t)BACK_TAKEN;
	memcpy(code, taken, 3);
	memcpy(code + 3, &flag, 4);
	code[7] = 1;
	memcpy(code + 8, jump, 3);
	memcpy(code + 11, &back, 4);
	code = (uint8_t *)(uintptr_t)BACK;
	memcpy(code, jump, 3);
	memcpy(code + 3, &back, 4);
	context()->back = (uintptr_t)native_back;
	context()->entry = NATIVE_CODE;
	context()->entry_cs = 0x23;
	memset(&s, 0, sizeof(s));
	s.fx[24] = 0x80; /* MXCSR 1F80 */
	s.fx[25] = 0x1f;
	s.fx[0] = 0x7f;
	s.fx[1] = 3;
	s.gpr[7] = 0x12345678;
	if (native_run(&nop, 1, &s, data) != NATIVE_DONE || s.gpr[7] != 0x12345678)
		return "the host has no 32-bit code segment for us";
	return NULL;
}

bool native_host_is_amd(void)
{
	return __builtin_cpu_is("amd");
}

unsigned native_run(const uint8_t *code, unsigned len, struct native_state *s, uint8_t *data)
{
	struct context *c = context();
	uint8_t *at = (uint8_t *)(uintptr_t)NATIVE_CODE;
	unsigned result;

	memset(at, 0xcc, NATIVE_TAKEN + 16);
	memcpy(at, code, len);
	far_jump(at + len, BACK);
	far_jump(at + NATIVE_TAKEN, BACK_TAKEN);
	memcpy((void *)(uintptr_t)NATIVE_DATA, data, NATIVE_DATA_SIZE);
	c->in = c->out = *s;
	c->flags_in = s->eflags | 0x202;
	c->branched = 0;
	if (sigsetjmp(after_fault, 0) == 0) {
		native_enter();
		result = c->branched ? NATIVE_BRANCHED : NATIVE_DONE;
	} else {
		result = (unsigned)fault_vector;
	}
	*s = c->out;
	s->eflags = (uint32_t)c->flags_out;
	memcpy(data, (void *)(uintptr_t)NATIVE_DATA, NATIVE_DATA_SIZE);
	return result;
}

#else

const char *native_start(void)
{
	return "the host is not x86-64 Linux";
}

bool native_host_is_amd(void)
{
	return false;
}

unsigned native_run(const uint8_t *code, unsigned len, struct native_state *s, uint8_t *data)
{
	(void)code, (void)len, (void)s, (void)data;
	return NATIVE_DONE;
}

#endif

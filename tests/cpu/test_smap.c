/*
 * SMAP with STAC and CLAC, SMEP and UMIP, where test_page_access.c does not reach: who may execute what, which accesses
 * count as explicit, stacks, strings, all of it with data breakpoints too; and what CPUID and CR4 say on each model.
 * Expected outcomes: SDM vol 3 2.5 (CR4), 4.6.1 (explicit and implicit accesses), 4.7; vol 2 STAC, CLAC, CPUID, SGDT.
 */
#include "tests/cpu/guest.h"

enum { F_AC = 0x40000, UMIP = 0x800, SMEP = 0x100000, SMAP = 0x200000 };
#define STAC 0x0f, 0x01, 0xcb
#define CLAC 0x0f, 0x01, 0xca

/* Pages of the user beside those of the system. */
#define USER_PAGE 0x30000u
#define USER_STACK 0x32000u /* top */

/* Everything identity mapped and the system's but USER_PAGE and the one behind it; paging on. */
static void start_paged(struct guest *g, uint32_t cr4, uint32_t eflags)
{
	poke(g, PAGES, (PAGES + 0x1000) | 0x67, 4);
	for (unsigned k = 0; k < MEMORY >> 12; k++)
		poke(g, PAGES + 0x1000 + 4 * k, k << 12 | (k == 0x30 || k == 0x31 ? 0x67u : 0x63u), 4);
	start_protected(g, 0);
	g->s.cr0 |= 0x80010000u;
	g->s.cr3 = PAGES;
	g->s.cr4 = cr4;
	g->s.eflags |= eflags;
}

/* Far away from all of it: every access then takes the slow path. */
static void watch_data(struct guest *g, bool on)
{
	g->s.dr[0] = 0xf0000;
	g->s.dr[7] = on ? 0x400 | 1 | 3u << 16 : 0x400;
}

static void test_stac_and_clac(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	/* pushfd; pop eax */
	assert_int_equal(RUN(g, STAC, 0x9c, 0x58), NO_FAULT);
	assert_int_equal(g->s.gpr[R_EAX] & F_AC, F_AC);
	assert_int_equal(g->s.eflags, 2 | F_AC);
	start_protected(g, 0);
	g->s.eflags |= F_AC | F_CF | F_ZF;
	assert_int_equal(RUN(g, CLAC), NO_FAULT);
	assert_int_equal(g->s.eflags, 2 | F_CF | F_ZF);
	/* Not in outer rings, V86 mode, with a prefix, or on a processor without. */
	for (unsigned ring = 1; ring <= 3; ring++) {
		start_protected(g, ring);
		assert_int_equal(RUN(g, STAC), 6);
		start_protected(g, ring);
		assert_int_equal(RUN(g, CLAC), 6);
	}
	start_v86(g, 3);
	g->s.eip = 0x6000;
	assert_int_equal(RUN(g, STAC), 6);
	for (unsigned k = 0; k < 4; k++) {
		static const uint8_t prefix[] = { 0x66, 0xf2, 0xf3, 0xf0 };

		start_protected(g, 0);
		assert_int_equal(RUN(g, prefix[k], STAC), 6);
	}
	start_real(g);
	assert_int_equal(RUN(g, STAC), NO_FAULT);
	assert_int_equal(g->s.eflags & F_AC, F_AC);
	guest_free(g);
	g = guest_new(CPU_PENTIUM4);
	assert_int_equal(RUN(g, STAC), 6);
	start_protected(g, 0);
	assert_int_equal(RUN(g, CLAC), 6);
	guest_free(g);
}

static void test_models(void **state)
{
	(void)state;
	for (unsigned m = 0; m < CPU_MODELS; m++) {
		struct guest *g = guest_new((enum cpu_model)m);
		unsigned bits[] = { UMIP, SMEP, SMAP }, max = m == CPU_MAX;

		for (unsigned k = 0; k < 3 && m >= CPU_PENTIUM; k++) {
			start_protected(g, 0);
			g->s.gpr[R_EAX] = bits[k];
			assert_int_equal(RUN(g, 0x0f, 0x22, 0xe0), max ? NO_FAULT : 13);
			assert_int_equal(g->s.cr4, max ? bits[k] : 0);
		}
		if (max) {
			start_protected(g, 0);
			assert_int_equal(RUN(g, 0x0f, 0xa2), NO_FAULT);
			assert_int_equal(g->s.gpr[R_EAX], 7);
			start_protected(g, 0);
			g->s.gpr[R_EAX] = 7;
			assert_int_equal(RUN(g, 0x0f, 0xa2), NO_FAULT);
			assert_int_equal(g->s.gpr[R_EAX], 0);
			assert_int_equal(g->s.gpr[R_EBX], 1 << 7 | 1 << 20);
			assert_int_equal(g->s.gpr[R_ECX], 1 << 2);
			start_protected(g, 0);
			g->s.gpr[R_EAX] = 7;
			g->s.gpr[R_ECX] = 1;
			assert_int_equal(RUN(g, 0x0f, 0xa2), NO_FAULT);
			assert_int_equal(g->s.gpr[R_EBX] | g->s.gpr[R_ECX], 0);
		}
		guest_free(g);
	}
}

/* ---- UMIP --------------------------------------------------------------------------------------------------- */

static void test_umip(void **state)
{
	static const struct {
		const char *name;
		uint8_t group, modrm;
		bool v86; /* is there in V86 mode; else #UD */
	} insns[] = {
		{ "sgdt", 1, 0x06, true }, { "sidt", 1, 0x0e, true }, { "smsw", 1, 0x26, true },
		{ "smsw ax", 1, 0xe0, true }, { "sldt", 0, 0x06, false }, { "str", 0, 0x0e, false },
		{ "str ax", 0, 0xc8, false },
	};
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < sizeof(insns) / sizeof(insns[0]); k++)
		for (unsigned ring = 0; ring <= 4; ring++) /* 4: V86 */
			for (unsigned umip = 0; umip < 2; umip++) {
				unsigned want = ring == 4 && !insns[k].v86 ? 6 : ring && umip ? 13 : 0x80, got;

				if (ring == 4)
					start_v86(g, 3);
				else
					start_protected(g, ring);
				g->s.eip = 0x6000;
				g->s.gpr[R_ESI] = USER_PAGE & 0xffff;
				g->s.cr4 = umip ? UMIP : 0;
				/* The memory forms: [0x5000] in 16-bit code, [esi] in 32-bit. */
				if (insns[k].modrm >= 0xc0)
					got = RUN(g, 0x0f, insns[k].group, insns[k].modrm, INT80);
				else if (ring == 4)
					got = RUN(g, 0x0f, insns[k].group, insns[k].modrm, W16(0x5000), INT80);
				else
					got = RUN(g, 0x0f, insns[k].group, insns[k].modrm, INT80);
				total++;
				if (!same("vector", insns[k].name, got, want) ||
				    (want == 13 && !same("error", insns[k].name, stacked(g, 0), 0))) {
					print_message("... ring %u umip %u\n", ring, umip);
					bad++;
				}
			}
	guest_free(g);
	assert_int_equal(report("UMIP", bad, total), 0);
}

/* ---- SMAP and SMEP ------------------------------------------------------------------------------------------ */

/* Bytes of code that make one explicit access to USER_PAGE from ring 0, by ways that have each their own path. */
static const struct access_case {
	const char *name;
	uint8_t code[12], len;
	bool write;
} accesses[] = {
	{ "mov eax, [m]", { 0xa1, W32(USER_PAGE) }, 5, false },
	{ "mov [m], eax", { 0xa3, W32(USER_PAGE) }, 5, true },
	{ "inc dword [m]", { 0xff, 0x05, W32(USER_PAGE) }, 6, true },
	{ "movsb from", { 0xbe, W32(USER_PAGE), 0xbf, W32(0x21ff0), 0xa4 }, 11, false },
	{ "movsb to", { 0xbe, W32(0x21ff0), 0xbf, W32(USER_PAGE), 0xa4 }, 11, true },
	{ "fnstenv [m]", { 0xd9, 0x35, W32(USER_PAGE) }, 6, true },
	{ "lgdt [m]", { 0x0f, 0x01, 0x15, W32(USER_PAGE + 0x10) }, 7, false },
	{ "bt [m], eax", { 0x0f, 0xa3, 0x05, W32(USER_PAGE) }, 7, false },
};
#define ACCESSES (sizeof(accesses) / sizeof(accesses[0]))

/* SMAP stops it unless AC is set: by STAC, by POPF, and not after CLAC. */
static void test_explicit(void **state)
{
	static const uint8_t before[][8] = {
		{ 0x90 }, { STAC }, { CLAC }, { STAC, 0x90, CLAC }, { 0x68, W32(2 | F_AC), 0x9d },
	};
	static const uint8_t lengths[] = { 1, 3, 3, 7, 6 };
	struct guest *g = guest_new(CPU_MAX);
	unsigned bad = 0, total = 0;

	(void)state;
	for (unsigned k = 0; k < ACCESSES; k++)
		for (unsigned how = 0; how < 5 * 2 * 2 * 2; how++) {
			unsigned first = how % 5, ac = how / 5 & 1, smap = how / 10 & 1, watched = how / 20;
			bool lifted = first == 0 ? ac : first == 1 || first == 4;
			unsigned want = smap && !lifted ? 14 : NO_FAULT, got, n = lengths[first];
			uint8_t code[24] = { 0 };
			bool ok;

			start_paged(g, smap ? SMAP : 0, ac ? F_AC : 0);
			poke(g, USER_PAGE + 0x10, GDT_END - 1, 2);
			poke(g, USER_PAGE + 0x12, GDT, 4);
			watch_data(g, watched);
			memcpy(code, before[first], n);
			memcpy(code + n, accesses[k].code, accesses[k].len);
			got = guest_run(g, code, n + accesses[k].len);
			total++;
			ok = same("vector", accesses[k].name, got, want);
			if (ok && want == 14) {
				ok = same("error", accesses[k].name, stacked(g, 0), accesses[k].write ? 3 : 1);
				ok = same("cr2", accesses[k].name, g->s.cr2 & ~0xfffu, USER_PAGE) && ok;
			}
			if (!ok) {
				print_message("... way %u ac %u smap %u watched %u\n", first, ac, smap, watched);
				bad++;
			}
		}
	guest_free(g);
	assert_int_equal(report("explicit accesses", bad, total), 0);
}

/* One run: STAC, a store, CLAC, a store: the first goes through a bank of the TLB that the second must not find. */
static void test_back_and_forth(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	start_paged(g, SMAP, 0);
	g->s.gpr[R_ECX] = 5;
	/* stac; inc dword [m]; clac; dec ecx; jnz; inc dword [m] */
	assert_int_equal(RUN(g, STAC, 0xff, 0x05, W32(USER_PAGE), CLAC, 0x49, 0x75, 0xf1, 0xff, 0x05,
			     W32(USER_PAGE)), 14);
	assert_int_equal(g->s.gpr[R_ECX], 0);
	assert_int_equal(stacked(g, 1), CODE + 15);
	assert_int_equal(peek(g, USER_PAGE, 4), 5);
	/* A fetch from there is SMEP's. jmp USER_PAGE */
	for (unsigned smep = 0; smep < 2; smep++)
		for (unsigned ac = 0; ac < 2; ac++) {
			start_paged(g, SMAP | (smep ? SMEP : 0), ac ? F_AC : 0);
			poke(g, USER_PAGE, 0xf4, 1);
			g->s.gpr[R_EAX] = USER_PAGE;
			assert_int_equal(RUN(g, 0xff, 0xe0), smep ? 14 : NO_FAULT);
			if (smep)
				assert_int_equal(stacked(g, 0), 0x11);
		}
	guest_free(g);
}

/*
 * A stack in the user's page. In ring 0, pushing is explicit, an interrupt's too; reading a descriptor is not. From
 * ring 3 the inner stack is the system's, whatever AC says.
 */
static void test_stacks(void **state)
{
	struct guest *g = guest_new(CPU_MAX);

	(void)state;
	for (unsigned how = 0; how < 8; how++) {
		bool ac = how & 1, watched = how & 2, wide = how & 4;

		/* push eax, or pushad */
		start_paged(g, SMAP, ac ? F_AC : 0);
		watch_data(g, watched);
		g->s.gpr[R_ESP] = USER_STACK;
		guest_run(g, wide ? "\x60" : "\x50", 1);
		if (ac)
			assert_int_equal(guest_vector(g), NO_FAULT);
		else
			assert_int_equal(g->exit, CPU_SHUTDOWN); /* nor can the #PF be pushed */
		/* int 0x40 and iretd */
		if (g->exit == CPU_SHUTDOWN)
			cpu_reset(g->cpu);
		start_paged(g, SMAP, ac ? F_AC : 0);
		watch_data(g, watched);
		poke(g, STUB + 16 * 0x40, 0xcf, 1);
		g->s.gpr[R_ESP] = USER_STACK;
		guest_run(g, "\xcd\x40\x40", 3);
		if (ac) {
			assert_int_equal(guest_vector(g), NO_FAULT);
			assert_int_equal(g->s.gpr[R_EAX], 1);
		} else {
			assert_int_equal(g->exit, CPU_SHUTDOWN);
			cpu_reset(g->cpu);
		}
		/* From ring 3, with the inner stack in the user's page: a #PF of the system, and of its stack again. */
		start_paged(g, SMAP, 0);
		poke(g, PAGES + 0x1000 + 4 * (CODE >> 12), CODE | 0x67, 4);
		for (unsigned n = 0; n <= SEG_GS; n++)
			g->s.seg[n] = segment_of(g, n == SEG_CS ? CODE3 : DATA3);
		g->s.cpl = 3;
		g->s.eflags |= ac ? F_AC : 0;
		watch_data(g, watched);
		poke(g, TSS + 4, USER_STACK, 4);
		guest_run(g, "\xcd\x80", 2);
		assert_int_equal(g->exit, CPU_SHUTDOWN);
		cpu_reset(g->cpu);
		poke(g, TSS + 4, INNER0, 4);
		/* mov gs, ax, its descriptor in the user's page */
		start_paged(g, SMAP, ac ? F_AC : 0);
		watch_data(g, watched);
		poke(g, USER_PAGE + 8, descriptor(0, 0xfffff, P | RW | ACC, BIG | GRAN), 8);
		g->s.seg[SEG_LDTR].base = USER_PAGE;
		g->s.gpr[R_EAX] = 8 | 4;
		assert_int_equal(RUN(g, 0x8e, 0xe8), 14);
		assert_int_equal(stacked(g, 0), 1);
		assert_int_equal(g->s.cr2, USER_PAGE + 8);
	}
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stac_and_clac), cmocka_unit_test(test_models),
		cmocka_unit_test(test_umip),          cmocka_unit_test(test_explicit),
		cmocka_unit_test(test_back_and_forth), cmocka_unit_test(test_stacks),
	};

	return cmocka_run_group_tests_name("SMAP, SMEP, UMIP", tests, NULL, NULL);
}

/*
 * The transcendental functions of cpu/f80_trig.c and cpu/f80_log.c: random arguments with the nearest double
 * extended result, computed with 400 bits by another program, and every special value of the manual's
 * tables (SDM vol 2 F2XM1, FYL2X, FYL2XP1, FPATAN, FPTAN, FSIN, FCOS).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/f80_trans.h"

#define MASKED (X87_EXCEPTIONS | X87_CW_PC64)

enum function { SIN, COS, TAN, F2XM1, YL2X, YL2XP1, PATAN };

struct number {
	uint16_t se;
	uint64_t sig;
};

static struct f80 apply(struct f80_env *e, enum function f, struct number nx, struct number ny)
{
	struct f80 x = f80_make(nx.se, nx.sig), y = f80_make(ny.se, ny.sig);

	switch (f) {
	case SIN: return f80_sin(e, x);
	case COS: return f80_cos(e, x);
	case TAN: return f80_tan(e, x);
	case F2XM1: return f80_2xm1(e, x);
	case YL2X: return f80_yl2x(e, x, y);
	case YL2XP1: return f80_yl2xp1(e, x, y);
	default: return f80_patan(e, x, y);
	}
}

/* x is ST(0), y ST(1) */
static const struct {
	enum function f;
	struct number x, y, result;
} nearest[] = {
	{ SIN, { 0xbfbe, 0xfeef1515d67641ff }, { 0x0000, 0x0000000000000000 }, { 0xbfbe, 0xfeef1515d67641ff } },
	{ SIN, { 0x3ffb, 0xe8ea1d44fcdfff20 }, { 0x0000, 0x0000000000000000 }, { 0x3ffb, 0xe869a9ce8e14e76f } },
	{ SIN, { 0x3fff, 0x8b24ae7a64f9caa0 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xe2a086f7210aa23c } },
	{ SIN, { 0xc017, 0xd2fbc6b5bd3fefe0 }, { 0x0000, 0x0000000000000000 }, { 0xbffc, 0x896d228a8901b546 } },
	{ SIN, { 0x3fd4, 0xd6715f8dc0ab4a1b }, { 0x0000, 0x0000000000000000 }, { 0x3fd4, 0xd6715f8dc0ab4a1b } },
	{ SIN, { 0x3ff9, 0xf9c06e0a0e24fc88 }, { 0x0000, 0x0000000000000000 }, { 0x3ff9, 0xf9b68698a295cc43 } },
	{ SIN, { 0xbfff, 0x86e8eed78b179f34 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0xde90e55f1c41ddc8 } },
	{ SIN, { 0xc021, 0xd62a6d65ea27b4e4 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xfb19d567718bfb90 } },
	{ SIN, { 0xbfcb, 0xc3f36911990d8e87 }, { 0x0000, 0x0000000000000000 }, { 0xbfcb, 0xc3f36911990d8e87 } },
	{ SIN, { 0x3fed, 0xe2418dd643187084 }, { 0x0000, 0x0000000000000000 }, { 0x3fed, 0xe2418dd63bbb461d } },
	{ SIN, { 0xbfff, 0x987eab6a10ed3c00 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0xedcacb8e9430e1db } },
	{ SIN, { 0xc013, 0xd40c9d4c92ebbab6 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0xfdbe110910e52fde } },
	{ SIN, { 0xbfcb, 0xa2d47ca297874146 }, { 0x0000, 0x0000000000000000 }, { 0xbfcb, 0xa2d47ca297874146 } },
	{ SIN, { 0x3fec, 0xf63c1c03cfe7d6fe }, { 0x0000, 0x0000000000000000 }, { 0x3fec, 0xf63c1c03cd885a47 } },
	{ SIN, { 0x4001, 0xe79318f21b8c4dc5 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xd0c1e3bcbae09a62 } },
	{ SIN, { 0x4030, 0xa00d347c85f6f35e }, { 0x0000, 0x0000000000000000 }, { 0x3ffd, 0xc4023313465b3599 } },
	{ SIN, { 0x3fcc, 0x93aad3decfbbdcda }, { 0x0000, 0x0000000000000000 }, { 0x3fcc, 0x93aad3decfbbdcda } },
	{ SIN, { 0x3ffa, 0x9fb4ec446afb6302 }, { 0x0000, 0x0000000000000000 }, { 0x3ffa, 0x9faa907055b5249a } },
	{ SIN, { 0xbfff, 0x8ceedc8a7e783b6f }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0xe44508c85bbdc783 } },
	{ SIN, { 0xc03c, 0xe3dcefb2762ed4a8 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0x923801bc22e85a3a } },
	{ SIN, { 0xbfd5, 0xb0432eab49634989 }, { 0x0000, 0x0000000000000000 }, { 0xbfd5, 0xb0432eab49634989 } },
	{ SIN, { 0xbffb, 0x918992d9c3c4f674 }, { 0x0000, 0x0000000000000000 }, { 0xbffb, 0x916a39268c0042ca } },
	{ SIN, { 0x4000, 0xd61e5fe2337b905a }, { 0x0000, 0x0000000000000000 }, { 0xbffc, 0xcf761e6f6b0bbab1 } },
	{ SIN, { 0x4009, 0x81ed42480336151b }, { 0x0000, 0x0000000000000000 }, { 0x3ffd, 0xe00144cbf5ae52f4 } },
	{ COS, { 0x3fd4, 0xbbda081ff55255d8 }, { 0x0000, 0x0000000000000000 }, { 0x3fff, 0x8000000000000000 } },
	{ COS, { 0x3fef, 0x8873ca24d48f2892 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xffffffff6e8989b3 } },
	{ COS, { 0xbfff, 0xb8e7e524d979886a }, { 0x0000, 0x0000000000000000 }, { 0x3ffc, 0x80e7e2e3d0d37c02 } },
	{ COS, { 0xc01d, 0xa9e3568bab45ca33 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0xff3d1aa78d6ba016 } },
	{ COS, { 0x3fd6, 0xb021f1f73e6c820b }, { 0x0000, 0x0000000000000000 }, { 0x3fff, 0x8000000000000000 } },
	{ COS, { 0xbffa, 0xb36de5037faf54cc }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xffc121243c0b2ace } },
	{ COS, { 0x4001, 0xff31fe9c997c99f3 }, { 0x0000, 0x0000000000000000 }, { 0xbffb, 0xf6f122944150bca5 } },
	{ COS, { 0xc01c, 0xbdc25a33c5a17522 }, { 0x0000, 0x0000000000000000 }, { 0xbffd, 0xf77ec1bd0087132f } },
	{ COS, { 0xbfc9, 0x815210553a7a9831 }, { 0x0000, 0x0000000000000000 }, { 0x3fff, 0x8000000000000000 } },
	{ COS, { 0x3ff7, 0x891a5470e933a05c }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xffff6d25abde1467 } },
	{ COS, { 0xbfff, 0x8cbc627865ff8a9c }, { 0x0000, 0x0000000000000000 }, { 0x3ffd, 0xe87842e3d7ea95cb } },
	{ COS, { 0xc00e, 0xaf31b210e6f32748 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xf318ce15ae50ab52 } },
	{ COS, { 0x3fe3, 0xa5cef357a5d47650 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xffffffffffffff29 } },
	{ COS, { 0xbff0, 0x89cfcb6af070d813 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xfffffffdae7f7ce8 } },
	{ COS, { 0x4000, 0xa93f0a5489095d86 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0xe103805d95cc52bc } },
	{ COS, { 0x4028, 0xef814f23a114619e }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xb0168c9d8a321d7e } },
	{ COS, { 0xbfd1, 0xc4d36afe931a4c95 }, { 0x0000, 0x0000000000000000 }, { 0x3fff, 0x8000000000000000 } },
	{ COS, { 0x3ff0, 0xdd01865b93a4d950 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xfffffffa09a2f022 } },
	{ COS, { 0x4002, 0xe0771cbe6aad3153 }, { 0x0000, 0x0000000000000000 }, { 0x3ffb, 0xdcee55362cc63b28 } },
	{ COS, { 0x403c, 0xd0ea97bec9300000 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xfffa80ff4ef8771c } },
	{ COS, { 0xbfc8, 0xbbf2ae8189e2c486 }, { 0x0000, 0x0000000000000000 }, { 0x3fff, 0x8000000000000000 } },
	{ COS, { 0xbfed, 0x907e533d2b911c1e }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xfffffffff5ce3481 } },
	{ COS, { 0xc003, 0xb661a9f8ae8323b1 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0xb126fc64e0ebe066 } },
	{ COS, { 0x4015, 0x82d0142676a0a5b9 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0xf8ee145eba0653a2 } },
	{ TAN, { 0xbfe9, 0xc265f5dff2648076 }, { 0x0000, 0x0000000000000000 }, { 0xbfe9, 0xc265f5dff26dd7e2 } },
	{ TAN, { 0x3fec, 0xfdb1df3e9635341e }, { 0x0000, 0x0000000000000000 }, { 0x3fec, 0xfdb1df3e9b65fc2c } },
	{ TAN, { 0xc002, 0x8e3b51f0a0552e82 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0x97d24cfd2b1b43fa } },
	{ TAN, { 0xc019, 0xf8f05734a14749f8 }, { 0x0000, 0x0000000000000000 }, { 0xbffb, 0xeff30f6cafdd44e1 } },
	{ TAN, { 0xbfc8, 0x843d0bdabaaf70d3 }, { 0x0000, 0x0000000000000000 }, { 0xbfc8, 0x843d0bdabaaf70d3 } },
	{ TAN, { 0xbfee, 0xa6b56db2c0fe9c22 }, { 0x0000, 0x0000000000000000 }, { 0xbfee, 0xa6b56db2d88f560a } },
	{ TAN, { 0x4000, 0xa9d6e4287cf107c8 }, { 0x0000, 0x0000000000000000 }, { 0xbffe, 0x87d77d16b9dada4b } },
	{ TAN, { 0xc02e, 0xa7e6d162a17634ab }, { 0x0000, 0x0000000000000000 }, { 0xbffd, 0xe7d68ceabcd0182f } },
	{ TAN, { 0xbfbf, 0x9d77a37cc6ab067e }, { 0x0000, 0x0000000000000000 }, { 0xbfbf, 0x9d77a37cc6ab067e } },
	{ TAN, { 0xbff6, 0xf12e4260c0b35ec5 }, { 0x0000, 0x0000000000000000 }, { 0xbff6, 0xf12e89bbd17edb0e } },
	{ TAN, { 0xc001, 0xa507aef78d5d75b8 }, { 0x0000, 0x0000000000000000 }, { 0x4000, 0x8644c4ae6308ce2c } },
	{ TAN, { 0xc034, 0xd736e5f9db962989 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xa92d05518523c991 } },
	{ TAN, { 0xbfbe, 0x9f248c472ba0807b }, { 0x0000, 0x0000000000000000 }, { 0xbfbe, 0x9f248c472ba0807b } },
	{ TAN, { 0xbff5, 0xff19b99ef05f0042 }, { 0x0000, 0x0000000000000000 }, { 0xbff5, 0xff19cebae9edc892 } },
	{ TAN, { 0x4001, 0xd51e45aa47995325 }, { 0x0000, 0x0000000000000000 }, { 0x3ffd, 0xca940a5e1dcadf95 } },
	{ TAN, { 0xc02b, 0xb6bfc6bbbf3e7996 }, { 0x0000, 0x0000000000000000 }, { 0x3fff, 0xbb8a1dc09fde0d5a } },
	{ TAN, { 0xbfcc, 0x94421ea7b0932d45 }, { 0x0000, 0x0000000000000000 }, { 0xbfcc, 0x94421ea7b0932d45 } },
	{ TAN, { 0x3fff, 0xea702d228d4fa51a }, { 0x0000, 0x0000000000000000 }, { 0xc000, 0xefdb182038a0ac4e } },
	{ TAN, { 0xc001, 0xc3b630080a312cc5 }, { 0x0000, 0x0000000000000000 }, { 0x3ffc, 0xacd259ed9d40eb0c } },
	{ TAN, { 0xc020, 0xffbb18ed2ed59ae4 }, { 0x0000, 0x0000000000000000 }, { 0x4002, 0x8b10080089f7616e } },
	{ TAN, { 0x3fc3, 0xf2c1c246ee147771 }, { 0x0000, 0x0000000000000000 }, { 0x3fc3, 0xf2c1c246ee147771 } },
	{ TAN, { 0x3ffa, 0x8d7f940a16ea2454 }, { 0x0000, 0x0000000000000000 }, { 0x3ffa, 0x8d8dfeaae847feeb } },
	{ TAN, { 0xc002, 0xaa4273807fa9eb6b }, { 0x0000, 0x0000000000000000 }, { 0xc000, 0xacfd09322e27e181 } },
	{ TAN, { 0x400e, 0xfc55c170385d7d30 }, { 0x0000, 0x0000000000000000 }, { 0x3ffd, 0xadee05d19222b061 } },
	{ F2XM1, { 0xbfdd, 0xd5338eeab9b13593 }, { 0x0000, 0x0000000000000000 }, { 0xbfdd, 0x93c7aabbdee8595c } },
	{ F2XM1, { 0x3ffb, 0xfe14d9ee31ac9548 }, { 0x0000, 0x0000000000000000 }, { 0x3ffb, 0xb7e8fcede3c7f1fb } },
	{ F2XM1, { 0x3ffe, 0xf00b91f9f5c69cb4 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xea5a567d20c0a08c } },
	{ F2XM1, { 0x3fd8, 0x850a47a9767d5538 }, { 0x0000, 0x0000000000000000 }, { 0x3fd7, 0xb86ecd299614e154 } },
	{ F2XM1, { 0xbffc, 0xc82802944d2fdca4 }, { 0x0000, 0x0000000000000000 }, { 0xbffc, 0x81bfece1425a2860 } },
	{ F2XM1, { 0xbffe, 0xe6291e972685f413 }, { 0x0000, 0x0000000000000000 }, { 0xbffd, 0xed72b6ea5e592063 } },
	{ F2XM1, { 0xbfc9, 0xfe40b3ed89d4dec3 }, { 0x0000, 0x0000000000000000 }, { 0xbfc9, 0xb03c0d054d0c608a } },
	{ F2XM1, { 0xbff7, 0xc7067088273e0352 }, { 0x0000, 0x0000000000000000 }, { 0xbff7, 0x89a9eac16eaa904e } },
	{ F2XM1, { 0xbffe, 0x8c7c1a3cfa32c222 }, { 0x0000, 0x0000000000000000 }, { 0xbffd, 0xa1febe49ca1be23a } },
	{ F2XM1, { 0x3fde, 0x84a2885d03265401 }, { 0x0000, 0x0000000000000000 }, { 0x3fdd, 0xb7defa2831c22ae4 } },
	{ F2XM1, { 0xbffb, 0xb3409e9ad9310fc1 }, { 0x0000, 0x0000000000000000 }, { 0xbffa, 0xf11bde49df7d99d8 } },
	{ F2XM1, { 0x3ffe, 0x859c34d6a24feb34 }, { 0x0000, 0x0000000000000000 }, { 0x3ffd, 0xdf2900136a624862 } },
	{ F2XM1, { 0x3fc9, 0xbcae69d54df96a61 }, { 0x0000, 0x0000000000000000 }, { 0x3fc9, 0x82c8ae81ee53c295 } },
	{ F2XM1, { 0xbffd, 0xca7c06136ca6fdf9 }, { 0x0000, 0x0000000000000000 }, { 0xbffc, 0xf5843dd96d5e9a8e } },
	{ F2XM1, { 0x3ffe, 0xa68129f35012969e }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0x91d21f011750848b } },
	{ F2XM1, { 0x3fe2, 0xf0693361c25104d1 }, { 0x0000, 0x0000000000000000 }, { 0x3fe2, 0xa6a3e1e50ad13153 } },
	{ F2XM1, { 0x3ff7, 0xd9a2e49a2b47fb76 }, { 0x0000, 0x0000000000000000 }, { 0x3ff7, 0x9733a6dc0967aa61 } },
	{ F2XM1, { 0x3ffe, 0xfcc27fac86de1969 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0xfb8718c0bcd88c14 } },
	{ F2XM1, { 0xbfde, 0xffe878b8b9954a2b }, { 0x0000, 0x0000000000000000 }, { 0xbfde, 0xb161c8f2dafff236 } },
	{ F2XM1, { 0x3ffc, 0xc43c0fba1cb8995f }, { 0x0000, 0x0000000000000000 }, { 0x3ffc, 0x9177898d0edef0be } },
	{ F2XM1, { 0x3ffe, 0xa42dbfcab8c8b7c5 }, { 0x0000, 0x0000000000000000 }, { 0x3ffe, 0x8f4c5c9ef38b27ba } },
	{ F2XM1, { 0x3fbe, 0x9e95a9e1b85137ef }, { 0x0000, 0x0000000000000000 }, { 0x3fbd, 0xdbd84fe75b2e4488 } },
	{ F2XM1, { 0x3ff7, 0xe6848104cbca9555 }, { 0x0000, 0x0000000000000000 }, { 0x3ff7, 0xa02c3dd36031dc74 } },
	{ F2XM1, { 0xbffe, 0xe49a27d110979d45 }, { 0x0000, 0x0000000000000000 }, { 0xbffd, 0xec4981b71730278b } },
	{ YL2X, { 0x40ac, 0x917e6cae3d4482dd }, { 0xc000, 0xcc8bf7ff947a297f }, { 0xc008, 0x8a606434355d80ce } },
	{ YL2X, { 0x3ffe, 0xc75513112e2b9826 }, { 0x3ffc, 0xea47fb14bae1eff4 }, { 0xbffb, 0xa922d647b04c6ed7 } },
	{ YL2X, { 0x3fff, 0x8000005dadbc629f }, { 0x4001, 0xee3be59a1785db94 }, { 0x3fe9, 0xfb8a837e8dd4c239 } },
	{ YL2X, { 0x3ffe, 0xffffff62f901639f }, { 0x4001, 0xc756763047e3aafc }, { 0xbfe9, 0xb0667a97ad151a74 } },
	{ YL2X, { 0x403c, 0xad276f5705e13f4a }, { 0x4002, 0xa211c92ee5935f8c }, { 0x4008, 0x9b938b60cd4f4d4b } },
	{ YL2X, { 0x3ffe, 0xe58cea0655bbda8a }, { 0xc006, 0xbd189ad82a27a06f }, { 0x4003, 0xee0200fc09d03402 } },
	{ YL2X, { 0x3fff, 0x800000962c130e71 }, { 0x4006, 0xe9bc259e857c2c98 }, { 0x3fef, 0xc5cf4aae91dbc40a } },
	{ YL2X, { 0x3ffe, 0xffffff0ccd5831a4 }, { 0xc000, 0xf37e224fba46739e }, { 0x3fe9, 0xa6dbf8d455e1153d } },
	{ YL2X, { 0x4040, 0x947d4dc61b3172f6 }, { 0x3fff, 0xba960fcf1f86b66d }, { 0x4005, 0xbe20493a28d09890 } },
	{ YL2X, { 0x3fff, 0xe1d23a7814c5dd06 }, { 0x3ffc, 0x9b853d1b5737ceed }, { 0x3ffb, 0xfec10b12131ab189 } },
	{ YL2X, { 0x3fff, 0x80000067e1a5c9d8 }, { 0x4003, 0xa38d434d6d80b31f }, { 0x3feb, 0xbf7ec44a97f1a902 } },
	{ YL2X, { 0x3ffe, 0xffffffe3ba00e1f8 }, { 0x4006, 0xc6891103c1dc4e57 }, { 0xbfeb, 0xfd11f6ba3bdff8f9 } },
	{ YL2X, { 0x3f78, 0xfd2bdec7bc16a3fb }, { 0x4002, 0x9bef32ec4555eb43 }, { 0xc009, 0xa34369157bfa4fb7 } },
	{ YL2X, { 0x3fff, 0xb864e1947bcb59fc }, { 0xbffd, 0xd1d59a16b31ca1d7 }, { 0xbffc, 0xdd0494c453c8e477 } },
	{ YL2X, { 0x3fff, 0x800000eaf91116a9 }, { 0xc002, 0xbac2fa1f4dbe3e2b }, { 0xbfeb, 0xf74f1dfec9da6479 } },
	{ YL2X, { 0x3ffe, 0xffffff731a32183d }, { 0x4006, 0xaf0198c0f5c7673d }, { 0xbfee, 0x8af5ef14b1b322c6 } },
	{ YL2X, { 0x3f4b, 0x83ff4114f3428e71 }, { 0xc002, 0x80896bc50a07d955 }, { 0x4009, 0xb4b5d8083bbbfca3 } },
	{ YL2X, { 0x3fff, 0xf2f0e18a34bdb35e }, { 0x4002, 0x91b093ba44bcaac0 }, { 0x4002, 0x86af43097b0e8d5e } },
	{ YL2X, { 0x3fff, 0x80000032e89e1b89 }, { 0x3ffd, 0xdadb1337409d1f4a }, { 0x3fe4, 0xfb28092ed805fc76 } },
	{ YL2X, { 0x3ffe, 0xffffff77cfce371b }, { 0xc000, 0xad44a93cb46e140d }, { 0x3fe8, 0x84fb69d1f661be12 } },
	{ YL2X, { 0x4072, 0x92c7286b60359235 }, { 0x4003, 0xadfe8c6c535dfccc }, { 0x400a, 0x9c976bb706d4e580 } },
	{ YL2X, { 0x3fff, 0xcabe4e44b4c41e10 }, { 0xc007, 0xbf6668a521be8fc8 }, { 0xc006, 0xfdfdf7aa518597a4 } },
	{ YL2X, { 0x3fff, 0x800000eb0324d893 }, { 0xc006, 0xdff8ab33dfd73428 }, { 0xbff0, 0x9450dc6860fedbd6 } },
	{ YL2X, { 0x3ffe, 0xffffffe21492d222 }, { 0xc002, 0xe23ab79bc708e1d5 }, { 0x3fe8, 0x9894adef787c568d } },
	{ YL2XP1, { 0xbfc2, 0xec2682d25f90f989 }, { 0xc000, 0xe54d6d1b9b2799ff }, { 0x3fc5, 0x9894e03f4979fff1 } },
	{ YL2XP1, { 0xbff9, 0xea2d5b8272dbd854 }, { 0x4006, 0xb379a0cdb3b63e60 }, { 0xc001, 0xf04e87c970fd10dc } },
	{ YL2XP1, { 0x3fd9, 0xb605286d9a355093 }, { 0x4001, 0xf826618fb1c95fbe }, { 0x3fdc, 0xfe8c100bca4758f7 } },
	{ YL2XP1, { 0x3ffb, 0xddc17dd041993773 }, { 0x4003, 0xcd39d8787515c747 }, { 0x4000, 0xf383e3d9acaf5af6 } },
	{ YL2XP1, { 0x3fe1, 0xcf87a9c4e6dfa837 }, { 0x4002, 0xce3c64ea30e8ce41 }, { 0x3fe5, 0xf133877d1c2d2aa5 } },
	{ YL2XP1, { 0xbff8, 0xf344f1d1fa9dc9e3 }, { 0xc005, 0xc92c6deff823d74c }, { 0x4000, 0x8aeefcdbe56963cb } },
	{ YL2XP1, { 0xbfcd, 0xdfddba453c06f588 }, { 0xc004, 0xc7901a3ec56d14ec }, { 0x3fd3, 0xfbc4f0603fb7433d } },
	{ YL2XP1, { 0xbff8, 0xd7ab160828de307e }, { 0x4004, 0x8f8303964a50f40b }, { 0xbffe, 0xaf9543852cdf6385 } },
	{ YL2XP1, { 0xbfd5, 0xa6f304b5ff445753 }, { 0xc004, 0x88ab7758fa40cbcb }, { 0x3fdb, 0x8095dd206adb7545 } },
	{ YL2XP1, { 0x3ffa, 0x89acfb4043aaaad1 }, { 0x4006, 0xac569ab3dbb8e777 }, { 0x4002, 0x8383d337a59f07a0 } },
	{ YL2XP1, { 0xbfcb, 0xb848aa98a82b3a52 }, { 0x3ffc, 0xe6501d2f2cc50da8 }, { 0xbfc9, 0xef303e59afd41022 } },
	{ YL2XP1, { 0x3ffb, 0xc1d3f2414b322967 }, { 0x4006, 0xe4899b0df9589f0e }, { 0x4003, 0xee850c633550f83a } },
	{ YL2XP1, { 0xbfc1, 0xccc2610ae45c81c3 }, { 0x4006, 0xc6924c945c41372b }, { 0xbfc9, 0xe5230d2a656f9075 } },
	{ YL2XP1, { 0x3ff9, 0xbc1ff43a77eecbf9 }, { 0x4003, 0xbc572925384831b2 }, { 0x3ffe, 0xc56ac5ca9d3dedb7 } },
	{ YL2XP1, { 0xbfe0, 0xfc95d92c86c4c9a2 }, { 0xbffc, 0xb46c55e505164cb5 }, { 0x3fdf, 0x80696e7253737bc0 } },
	{ YL2XP1, { 0xbffa, 0xd828dafe2cc69d48 }, { 0xc005, 0xf1e79fb85cdd4e4d }, { 0x4002, 0x975f0a27bdcf2a3c } },
	{ YL2XP1, { 0x3fbe, 0xa1389f15fcb9dd93 }, { 0x3ffd, 0xb1396e7d06224df6 }, { 0x3fbd, 0xa10523e50d84ee6f } },
	{ YL2XP1, { 0xbffa, 0x92b6d29dd902d392 }, { 0xc005, 0xdafb143c424eae1a }, { 0x4001, 0xb860c7024c3f957a } },
	{ YL2XP1, { 0xbfbf, 0xacfd3db11bba56c7 }, { 0x3ffd, 0x97fa140849a0f3a5 }, { 0xbfbe, 0x9428f8eed7ab6ba7 } },
	{ YL2XP1, { 0x3ffb, 0x849ac234d488961d }, { 0xbffd, 0xf3bf331003b274f7 }, { 0xbffa, 0xb07f39e04757ca36 } },
	{ YL2XP1, { 0x3fc0, 0xa6039046fe668acf }, { 0xc006, 0xc50d8ee03d483fb0 }, { 0xbfc8, 0xb85ba776b5fc9242 } },
	{ YL2XP1, { 0xbffa, 0xc1cf6f4db7158d1f }, { 0x4004, 0xdb731e8d8c07bdf4 }, { 0xc000, 0xf58b4f279b44a595 } },
	{ YL2XP1, { 0x3fdb, 0xaba6e8b63e973f28 }, { 0x4005, 0xb928e99195403477 }, { 0x3fe2, 0xb31d3fbc4478275b } },
	{ YL2XP1, { 0xbff9, 0xeeecefb683e8e69b }, { 0xc007, 0x831db6914fbb9096 }, { 0x4002, 0xb32b738b1d663c1e } },
	{ PATAN, { 0xc007, 0xabb391301134bfc7 }, { 0x4002, 0xdb3220bf3536efcf }, { 0x4000, 0xc68293755792e4d1 } },
	{ PATAN, { 0x3fff, 0xa8d3cc8a8a0a8351 }, { 0xbffe, 0xf32138198b8a0491 }, { 0xbffe, 0x9fc2536aa7d71b51 } },
	{ PATAN, { 0x400e, 0xb83a4833d19ff0a5 }, { 0xbff5, 0xd317113ef11b7add }, { 0xbfe6, 0x92a9f05b2d00d695 } },
	{ PATAN, { 0x3ffe, 0xe09d955f4be7da5e }, { 0x3ffe, 0x8328b18d4f3270c8 }, { 0x3ffe, 0x874ce135ba4d03b4 } },
	{ PATAN, { 0xbff1, 0xd49651bfaf0a7a41 }, { 0xc006, 0xcdbe0ebb10fff774 }, { 0xbfff, 0xc90fdec432962b05 } },
	{ PATAN, { 0xc001, 0xd5827061c7b783a6 }, { 0x4001, 0xa3998ef6f7e10a13 }, { 0x4000, 0x9f37c07c8f8364eb } },
	{ PATAN, { 0x4034, 0x80b87d0fad50a477 }, { 0x4003, 0xf7136c02496bce74 }, { 0x3fce, 0xf5b14d163cb9576e } },
	{ PATAN, { 0xbffd, 0xcad07415a75546bf }, { 0xbffd, 0x91ccc25c4a63ebc9 }, { 0xc000, 0xa12be9e7c4cc5f51 } },
	{ PATAN, { 0x402c, 0xe02ab4f11ad5601f }, { 0xc040, 0x8f525255d873f00d }, { 0xbfff, 0xc90fce1ee37b9ea4 } },
	{ PATAN, { 0x3ffe, 0xbde421955aab3960 }, { 0x3ffe, 0xd7abf4c55b7877c1 }, { 0x3ffe, 0xd950353e07d9ba94 } },
	{ PATAN, { 0x3fc2, 0xd571a1572471bb68 }, { 0xbfd5, 0x9114b5c49fadaf74 }, { 0xbfff, 0xc90fc3181240e933 } },
	{ PATAN, { 0x4000, 0x9ae164e41afe1cda }, { 0x4000, 0x9f3b3624fab7be39 }, { 0x3ffe, 0xcc9b8daa314c5848 } },
	{ PATAN, { 0x3ffb, 0xb4883fb97eb99582 }, { 0xbff7, 0xd29c1ab07c69d357 }, { 0xbffb, 0x950fc89834bf0297 } },
	{ PATAN, { 0x3ffd, 0xcc3f7b81220116e9 }, { 0xc001, 0xc89165db9bebe62c }, { 0xbfff, 0xc0ed1631f1eafd86 } },
	{ PATAN, { 0xc045, 0xdb60e62450c74e25 }, { 0xbff7, 0xc7653267e8b60f8f }, { 0xc000, 0xc90fdaa22168c235 } },
	{ PATAN, { 0xbffd, 0xce2986f85c2f2f8d }, { 0x3ffe, 0x925da36b9903b58d }, { 0x4000, 0x8bcced185029f4b7 } },
	{ PATAN, { 0x4021, 0x9d62831c23c5aa6b }, { 0xbfe8, 0xd93065881106e846 }, { 0xbfc6, 0xb0a36cd2e1e69c7b } },
	{ PATAN, { 0x3ffd, 0x846f2ef6711d0b9f }, { 0xbfff, 0xadf01f6fbeb15fcd }, { 0xbfff, 0xb0fc4bc9a7ec56f7 } },
	{ PATAN, { 0xc032, 0xb9fea743c8e1019f }, { 0xbffe, 0xb7693f2625f4d549 }, { 0xc000, 0xc90fdaa22168be43 } },
	{ PATAN, { 0xbfff, 0x9082bce02148b29b }, { 0xbffd, 0xb7e8c7c0f67224b1 }, { 0xc000, 0xb5590ff10d84d4ec } },
	{ PATAN, { 0x3fcd, 0xc3558d463e1d04d6 }, { 0x403e, 0x91094d9eb0e1d77f }, { 0x3fff, 0xc90fdaa22168c235 } },
	{ PATAN, { 0x4001, 0xe313a24c02d637d7 }, { 0x4001, 0xda5a3f535d43b1e0 }, { 0x3ffe, 0xc40c6e7a91080318 } },
	{ PATAN, { 0xc033, 0x8352772290144e8e }, { 0x3fc6, 0xf278a4c8477a31c7 }, { 0x4000, 0xc90fdaa22168c235 } },
	{ PATAN, { 0xbffe, 0xc22bcfddf1fe7799 }, { 0x3fff, 0xaba606addcf61df8 }, { 0x4000, 0x857987f41a4988db } },
};

static void test_nearest(void **state)
{
	unsigned bad = 0, total = sizeof nearest / sizeof *nearest;

	(void)state;
	for (unsigned n = 0; n < total; n++) {
		struct f80_env e = { MASKED, 0 };
		struct f80 r = apply(&e, nearest[n].f, nearest[n].x, nearest[n].y);

		if (r.se == nearest[n].result.se && r.sig == nearest[n].result.sig && (e.sw & X87_PE))
			continue;
		print_message("row %u: %04x %016llx\n", n, (unsigned)r.se, (unsigned long long)r.sig);
		bad++;
	}
	print_message("transcendental: %u passed, %u failed, 0 skipped\n", total - bad, bad);
	assert_int_equal(bad, 0);
}

#define ZERO 0x0000, 0
#define NZERO 0x8000, 0
#define ONE 0x3fff, FP_TOP
#define NONE 0xbfff, FP_TOP
#define HALF 0x3ffe, FP_TOP
#define NHALF 0xbffe, FP_TOP
#define TWO 0x4000, FP_TOP
#define INF 0x7fff, FP_TOP
#define NINF 0xffff, FP_TOP
#define NAN_ 0xffff, 0xc000000000000000u /* the indefinite */
#define PI 0x4000, 0xc90fdaa22168c235u
#define NPI 0xc000, 0xc90fdaa22168c235u
#define PI_2 0x3fff, 0xc90fdaa22168c235u
#define NPI_2 0xbfff, 0xc90fdaa22168c235u
#define PI_4 0x3ffe, 0xc90fdaa22168c235u
#define PI3_4 0x4000, 0x96cbe3f9990e91a8u

static const struct {
	enum function f;
	struct number x, y, result;
	unsigned sw;
} special[] = {
	{ SIN, { ZERO }, { ZERO }, { ZERO }, 0 },
	{ SIN, { NZERO }, { ZERO }, { NZERO }, 0 },
	{ SIN, { INF }, { ZERO }, { NAN_ }, X87_IE },
	{ COS, { NZERO }, { ZERO }, { ONE }, 0 },
	{ COS, { NINF }, { ZERO }, { NAN_ }, X87_IE },
	{ TAN, { NZERO }, { ZERO }, { NZERO }, 0 },
	{ TAN, { INF }, { ZERO }, { NAN_ }, X87_IE },
	{ F2XM1, { NZERO }, { ZERO }, { NZERO }, 0 },
	{ F2XM1, { ONE }, { ZERO }, { ONE }, 0 },
	{ F2XM1, { NONE }, { ZERO }, { NHALF }, 0 },
	{ YL2X, { ZERO }, { ONE }, { NINF }, X87_ZE },
	{ YL2X, { NZERO }, { NONE }, { INF }, X87_ZE },
	{ YL2X, { ZERO }, { ZERO }, { NAN_ }, X87_IE },
	{ YL2X, { ZERO }, { INF }, { NINF }, 0 },
	{ YL2X, { ONE }, { INF }, { NAN_ }, X87_IE },
	{ YL2X, { ONE }, { TWO }, { ZERO }, 0 },
	{ YL2X, { HALF }, { TWO }, { 0xc000, FP_TOP }, 0 },
	{ YL2X, { HALF }, { INF }, { NINF }, 0 },
	{ YL2X, { HALF }, { ZERO }, { NZERO }, 0 },
	{ YL2X, { TWO }, { NINF }, { NINF }, 0 },
	{ YL2X, { INF }, { ZERO }, { NAN_ }, X87_IE },
	{ YL2X, { INF }, { NONE }, { NINF }, 0 },
	{ YL2X, { NONE }, { ONE }, { NAN_ }, X87_IE },
	{ YL2X, { NINF }, { ONE }, { NAN_ }, X87_IE },
	{ YL2XP1, { NZERO }, { ONE }, { NZERO }, 0 },
	{ YL2XP1, { ZERO }, { INF }, { NAN_ }, X87_IE },
	{ YL2XP1, { 0xbff0, FP_TOP }, { INF }, { NINF }, 0 },
	{ PATAN, { ONE }, { ZERO }, { ZERO }, 0 },
	{ PATAN, { ZERO }, { NZERO }, { NZERO }, 0 },
	{ PATAN, { NZERO }, { ZERO }, { PI }, X87_PE | X87_C1 },
	{ PATAN, { NONE }, { NZERO }, { NPI }, X87_PE | X87_C1 },
	{ PATAN, { ZERO }, { NONE }, { NPI_2 }, X87_PE | X87_C1 },
	{ PATAN, { NINF }, { ONE }, { PI }, X87_PE | X87_C1 },
	{ PATAN, { INF }, { NONE }, { NZERO }, 0 },
	{ PATAN, { ONE }, { INF }, { PI_2 }, X87_PE | X87_C1 },
	{ PATAN, { INF }, { INF }, { PI_4 }, X87_PE | X87_C1 },
	{ PATAN, { NINF }, { INF }, { PI3_4 }, X87_PE | X87_C1 },
	{ PATAN, { ONE }, { ONE }, { PI_4 }, X87_PE | X87_C1 },
};

static void test_special(void **state)
{
	(void)state;
	for (unsigned n = 0; n < sizeof special / sizeof *special; n++) {
		struct f80_env e = { MASKED, 0 };
		struct f80 r = apply(&e, special[n].f, special[n].x, special[n].y);

		if (r.se != special[n].result.se || r.sig != special[n].result.sig || e.sw != special[n].sw)
			fail_msg("row %u: %04x %016llx, status %04x", n, (unsigned)r.se,
				 (unsigned long long)r.sig, (unsigned)e.sw);
	}
}

/* Directed rounding of arguments so small that only the direction of the error is left. */
static void test_tiny(void **state)
{
	struct number x = { 0x3f00, FP_TOP | 1 };
	struct f80_env e = { MASKED | FP_ZERO << 10, 0 };

	(void)state;
	assert_true(apply(&e, SIN, x, x).sig == FP_TOP);
	assert_true(apply(&e, TAN, x, x).sig == (FP_TOP | 1));
	assert_true(apply(&e, COS, x, x).sig == UINT64_MAX);
	e.cw = MASKED | FP_UP << 10;
	assert_true(apply(&e, SIN, x, x).sig == (FP_TOP | 1));
	assert_true(apply(&e, TAN, x, x).sig == (FP_TOP | 2));
	assert_true(apply(&e, COS, x, x).sig == FP_TOP);
	/* denormal: DE, and an underflow because the result is tiny and inexact */
	x = (struct number){ 0, 5 };
	e = (struct f80_env){ MASKED, 0 };
	assert_true(apply(&e, SIN, x, x).sig == 5);
	assert_int_equal(e.sw & X87_EXCEPTIONS, X87_DE | X87_UE | X87_PE);
}

static void test_range(void **state)
{
	(void)state;
	assert_true(f80_trig_in_range(f80_make(0x3fff + 62, UINT64_MAX)));
	assert_false(f80_trig_in_range(f80_make(0x3fff + 63, FP_TOP)));
	assert_false(f80_trig_in_range(f80_make(0xfffe, FP_TOP)));
	assert_true(f80_trig_in_range(f80_make(0x7fff, FP_TOP))); /* to be an invalid operation */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_special),
		cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_range),
	};

	return cmocka_run_group_tests_name("f80_trans", tests, NULL, NULL);
}

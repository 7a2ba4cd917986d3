/*
 * Constants of the transcendental functions, see f80_tables.h. Computed with 90 decimal digits and
 * cut off.
 */
#include "cpu/f80_tables.h"


/* 1 / (2n + 3)!: sin r = r - r^3 (..) */
const struct u128 sin_series[14] = {
	{ 0x2aaaaaaaaaaaaaaaull, 0xaaaaaaaaaaaaaaaaull },
	{ 0x0222222222222222ull, 0x2222222222222222ull },
	{ 0x000d00d00d00d00dull, 0x00d00d00d00d00d0ull },
	{ 0x00002e3bc74aad8eull, 0x671f5583911ca002ull },
	{ 0x0000006b99159fd5ull, 0x138e3f9d1f92e0dfull },
	{ 0x00000000b092309dull, 0x43684be51c198e91ull },
	{ 0x0000000000d73f9full, 0x399dc0f88ec32b58ull },
	{ 0x000000000000ca96ull, 0x3b81856a53593028ull },
	{ 0x0000000000000097ull, 0xa4da340a0ab92650ull },
	{ 0x0000000000000000ull, 0x5c6e3bdb73d5c62full },
	{ 0x0000000000000000ull, 0x002ec368262c7033ull },
	{ 0x0000000000000000ull, 0x000013f3ccdd165full },
	{ 0x0000000000000000ull, 0x0000000746ac70b7ull },
	{ 0x0000000000000000ull, 0x00000000024b3f31ull },
};

/* 1 / (2n + 2)!: cos r = 1 - r^2 (..) */
const struct u128 cos_series[14] = {
	{ 0x8000000000000000ull, 0x0000000000000000ull },
	{ 0x0aaaaaaaaaaaaaaaull, 0xaaaaaaaaaaaaaaaaull },
	{ 0x005b05b05b05b05bull, 0x05b05b05b05b05b0ull },
	{ 0x0001a01a01a01a01ull, 0xa01a01a01a01a01aull },
	{ 0x0000049f93edde27ull, 0xd71cbbc05b4fa999ull },
	{ 0x00000008f76c77fcull, 0x6c4bdaa26d4c3d67ull },
	{ 0x000000000c9cba54ull, 0x603e4e905d6f8a2eull },
	{ 0x00000000000d73f9ull, 0xf399dc0f88ec32b5ull },
	{ 0x0000000000000b41ull, 0x3c31dcbecbbdd802ull },
	{ 0x0000000000000007ull, 0x950ae900808941eaull },
	{ 0x0000000000000000ull, 0x04338e5b6dfe14a5ull },
	{ 0x0000000000000000ull, 0x0001f2cf01972f57ull },
	{ 0x0000000000000000ull, 0x000000c4742fe352ull },
	{ 0x0000000000000000ull, 0x0000000042862898ull },
};

/* 1 / (2n + 3): atan and atanh */
const struct u128 odd_series[13] = {
	{ 0x5555555555555555ull, 0x5555555555555555ull },
	{ 0x3333333333333333ull, 0x3333333333333333ull },
	{ 0x2492492492492492ull, 0x4924924924924924ull },
	{ 0x1c71c71c71c71c71ull, 0xc71c71c71c71c71cull },
	{ 0x1745d1745d1745d1ull, 0x745d1745d1745d17ull },
	{ 0x13b13b13b13b13b1ull, 0x3b13b13b13b13b13ull },
	{ 0x1111111111111111ull, 0x1111111111111111ull },
	{ 0x0f0f0f0f0f0f0f0full, 0x0f0f0f0f0f0f0f0full },
	{ 0x0d79435e50d79435ull, 0xe50d79435e50d794ull },
	{ 0x0c30c30c30c30c30ull, 0xc30c30c30c30c30cull },
	{ 0x0b21642c8590b216ull, 0x42c8590b21642c85ull },
	{ 0x0a3d70a3d70a3d70ull, 0xa3d70a3d70a3d70aull },
	{ 0x097b425ed097b425ull, 0xed097b425ed097b4ull },
};

/* 1 / (n + 2)!: e^z = 1 + z + z^2 (..) */
const struct u128 exp_series[16] = {
	{ 0x8000000000000000ull, 0x0000000000000000ull },
	{ 0x2aaaaaaaaaaaaaaaull, 0xaaaaaaaaaaaaaaaaull },
	{ 0x0aaaaaaaaaaaaaaaull, 0xaaaaaaaaaaaaaaaaull },
	{ 0x0222222222222222ull, 0x2222222222222222ull },
	{ 0x005b05b05b05b05bull, 0x05b05b05b05b05b0ull },
	{ 0x000d00d00d00d00dull, 0x00d00d00d00d00d0ull },
	{ 0x0001a01a01a01a01ull, 0xa01a01a01a01a01aull },
	{ 0x00002e3bc74aad8eull, 0x671f5583911ca002ull },
	{ 0x0000049f93edde27ull, 0xd71cbbc05b4fa999ull },
	{ 0x0000006b99159fd5ull, 0x138e3f9d1f92e0dfull },
	{ 0x00000008f76c77fcull, 0x6c4bdaa26d4c3d67ull },
	{ 0x00000000b092309dull, 0x43684be51c198e91ull },
	{ 0x000000000c9cba54ull, 0x603e4e905d6f8a2eull },
	{ 0x0000000000d73f9full, 0x399dc0f88ec32b58ull },
	{ 0x00000000000d73f9ull, 0xf399dc0f88ec32b5ull },
	{ 0x000000000000ca96ull, 0x3b81856a53593028ull },
};

/* atan(k / 16) */
const struct xf atan_points[17] = {
	{ { 0, 0 }, 0, false },
	{ { 0xffaaddb967ef4e36ull, 0xcb2792dc0e2e0d51ull }, FP_BIAS - 5, false },
	{ { 0xfeadd4d5617b6e32ull, 0xc897989f3e888ef7ull }, FP_BIAS - 4, false },
	{ { 0xbdcbda5e72d81134ull, 0x7b0b4f881c9c7487ull }, FP_BIAS - 3, false },
	{ { 0xfadbafc96406eb15ull, 0x6dc79ef5f7a217e5ull }, FP_BIAS - 3, false },
	{ { 0x9b13b9b83f5e5e69ull, 0xc5abb498d27af328ull }, FP_BIAS - 2, false },
	{ { 0xb7b0ca0f26f78473ull, 0x8aa32122dcfe4483ull }, FP_BIAS - 2, false },
	{ { 0xd327761e611fe5b6ull, 0x427c95e9001e7136ull }, FP_BIAS - 2, false },
	{ { 0xed63382b0dda7b45ull, 0x6fe445ecbc3a8d03ull }, FP_BIAS - 2, false },
	{ { 0x832bf4a6d9867e2aull, 0x4b6a09cb61a515c0ull }, FP_BIAS - 1, false },
	{ { 0x8f005d5ef7f59f9bull, 0x5c835e1665c43747ull }, FP_BIAS - 1, false },
	{ { 0x9a2f80e671bdda20ull, 0x4226f8e2204ff3bcull }, FP_BIAS - 1, false },
	{ { 0xa4bc7d1934f70924ull, 0x19a87f2a457dac9eull }, FP_BIAS - 1, false },
	{ { 0xaeac4c38b4d8c080ull, 0x14725e2f3e52070aull }, FP_BIAS - 1, false },
	{ { 0xb8053e2bc2319e73ull, 0xcb2da55210a4443dull }, FP_BIAS - 1, false },
	{ { 0xc0ce85b8ac526640ull, 0x89dd62c46e92fa24ull }, FP_BIAS - 1, false },
	{ { 0xc90fdaa22168c234ull, 0xc4c6628b80dc1cd1ull }, FP_BIAS - 1, false },
};

/* ln(k / 32), k from 22 */
const struct xf ln_points[25] = {
	{ { 0xbfd7d1dec0a8df6full, 0x37eda996244bccafull }, FP_BIAS - 2, true },
	{ { 0xa9157039c51ebe70ull, 0x8164c759686a2208ull }, FP_BIAS - 2, true },
	{ { 0x934b1089a6dc93c1ull, 0xdf5bb3b60554e151ull }, FP_BIAS - 2, true },
	{ { 0xfcc8e3659d9bcbecull, 0xca0cdf301431b60eull }, FP_BIAS - 3, true },
	{ { 0xd49f69e456cf1b79ull, 0x5f53bd2e406e66e7ull }, FP_BIAS - 3, true },
	{ { 0xadfa035aa1ed8fdcull, 0x149767e410316d2cull }, FP_BIAS - 3, true },
	{ { 0x88bc74113f23def1ull, 0x9c5a0fe396f40f1dull }, FP_BIAS - 3, true },
	{ { 0xc99af2eaca4c4570ull, 0xeaf51f66692844b9ull }, FP_BIAS - 4, true },
	{ { 0x842cc5acf1d03445ull, 0x1fecdfa819b96097ull }, FP_BIAS - 4, true },
	{ { 0x820aec4f3a222380ull, 0xb9e3aea6c444ef07ull }, FP_BIAS - 5, true },
	{ { 0, 0 }, 0, false },
	{ { 0xfc14d873c1980267ull, 0xc7e09e3de453f5d5ull }, FP_BIAS - 6, false },
	{ { 0xf85186008b15330bull, 0xe64b8b775997898dull }, FP_BIAS - 5, false },
	{ { 0xb78694572b5a5cdfull, 0x24cdcf68cdb20672ull }, FP_BIAS - 4, false },
	{ { 0xf1383b7157972f4full, 0x543fff0ff4f0aaedull }, FP_BIAS - 4, false },
	{ { 0x94aa97c0ffa91a60ull, 0x2ee3880fb7d34427ull }, FP_BIAS - 3, false },
	{ { 0xaff983853c9e9e43ull, 0x9f105039091dd7f3ull }, FP_BIAS - 3, false },
	{ { 0xca92d4e7a2b5a3b2ull, 0x0983a9c5c4b3b132ull }, FP_BIAS - 3, false },
	{ { 0xe47fbe3cd4d10d61ull, 0x2ec0f797fdcd1257ull }, FP_BIAS - 3, false },
	{ { 0xfdc8c36af1f1546aull, 0xaa3361bca6965049ull }, FP_BIAS - 3, false },
	{ { 0x8b3ae55d5d30701cull, 0xe63eab883717047eull }, FP_BIAS - 2, false },
	{ { 0x974715d708e984e1ull, 0x6648d42840d9e6f6ull }, FP_BIAS - 2, false },
	{ { 0xa30c5e10e2f613e8ull, 0x5bd9bd99e39a20aeull }, FP_BIAS - 2, false },
	{ { 0xae8dedfac04e5284ull, 0x6c707b8ffc22b3e7ull }, FP_BIAS - 2, false },
	{ { 0xb9cebfb5de8034e7ull, 0x12629fd69f7bcb55ull }, FP_BIAS - 2, false },
};

/* 2^(k / 32) */
const struct xf exp2_points[32] = {
	{ { FP_TOP, 0 }, FP_BIAS + 0, false },
	{ { 0x82cd8698ac2ba1d7ull, 0x3e2a475b46520bffull }, FP_BIAS + 0, false },
	{ { 0x85aac367cc487b14ull, 0xc5c95b8c2154c1b2ull }, FP_BIAS + 0, false },
	{ { 0x88980e8092da8527ull, 0x5df8d76c98c67562ull }, FP_BIAS + 0, false },
	{ { 0x8b95c1e3ea8bd6e6ull, 0xfbe4628758a53c90ull }, FP_BIAS + 0, false },
	{ { 0x8ea4398b45cd53c0ull, 0x2dc0144c8783d4c5ull }, FP_BIAS + 0, false },
	{ { 0x91c3d373ab11c336ull, 0x0fd6d8e0ae5ac9d8ull }, FP_BIAS + 0, false },
	{ { 0x94f4efa8fef70961ull, 0x2e8afad12551de54ull }, FP_BIAS + 0, false },
	{ { 0x9837f0518db8a96full, 0x46ad23182e42f6f6ull }, FP_BIAS + 0, false },
	{ { 0x9b8d39b9d54e5538ull, 0xa2a817a2a3cc3f1full }, FP_BIAS + 0, false },
	{ { 0x9ef5326091a111adull, 0xa0911f09ebb9fdd1ull }, FP_BIAS + 0, false },
	{ { 0xa27043030c496818ull, 0x9b7a04ef80cfdea7ull }, FP_BIAS + 0, false },
	{ { 0xa5fed6a9b15138eaull, 0x1cbd7f621710701bull }, FP_BIAS + 0, false },
	{ { 0xa9a15ab4ea7c0ef8ull, 0x541e24ec3531fa73ull }, FP_BIAS + 0, false },
	{ { 0xad583eea42a14ac6ull, 0x4980a8c8f59a2ec4ull }, FP_BIAS + 0, false },
	{ { 0xb123f581d2ac258full, 0x87d037e96d215d8eull }, FP_BIAS + 0, false },
	{ { 0xb504f333f9de6484ull, 0x597d89b3754abe9full }, FP_BIAS + 0, false },
	{ { 0xb8fbaf4762fb9ee9ull, 0x1b879778566b65a1ull }, FP_BIAS + 0, false },
	{ { 0xbd08a39f580c36beull, 0xa8811fb66d0faf7aull }, FP_BIAS + 0, false },
	{ { 0xc12c4cca66709456ull, 0x7c457d59a50087b5ull }, FP_BIAS + 0, false },
	{ { 0xc5672a115506daddull, 0x3e2ad0c964dd9f37ull }, FP_BIAS + 0, false },
	{ { 0xc9b9bd866e2f27a2ull, 0x80e1f92a0511697eull }, FP_BIAS + 0, false },
	{ { 0xce248c151f8480e3ull, 0xe235838f95f2c6edull }, FP_BIAS + 0, false },
	{ { 0xd2a81d91f12ae45aull, 0x12248e57c3de4028ull }, FP_BIAS + 0, false },
	{ { 0xd744fccad69d6af4ull, 0x39a68bb9902d3fdeull }, FP_BIAS + 0, false },
	{ { 0xdbfbb797daf23755ull, 0x3d840d5a9e29aa64ull }, FP_BIAS + 0, false },
	{ { 0xe0ccdeec2a94e111ull, 0x065895048dd333caull }, FP_BIAS + 0, false },
	{ { 0xe5b906e77c8348a8ull, 0x1e5e8f4a4edbb0ecull }, FP_BIAS + 0, false },
	{ { 0xeac0c6e7dd24392eull, 0xd02d75b3706e54faull }, FP_BIAS + 0, false },
	{ { 0xefe4b99bdcdaf5cbull, 0x46561cf6948db912ull }, FP_BIAS + 0, false },
	{ { 0xf5257d152486cc2cull, 0x7b9d0c7aed980fc3ull }, FP_BIAS + 0, false },
	{ { 0xfa83b2db722a033aull, 0x7c25bb14315d7fccull }, FP_BIAS + 0, false },
};

const struct xf xf_ln2 = { { 0xb17217f7d1cf79abull, 0xc9e3b39803f2f6afull }, FP_BIAS - 1, false };
const struct xf xf_log2e = { { 0xb8aa3b295c17f0bbull, 0xbe87fed0691d3e88ull }, FP_BIAS + 0, false };
const struct xf xf_pi = { { 0xc90fdaa22168c234ull, 0xc4c6628b80dc1cd1ull }, FP_BIAS + 1, false };

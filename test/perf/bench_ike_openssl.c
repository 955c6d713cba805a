/*
 * The bare operations of a handshake, one table a case. See scripts/bench.d/ike_openssl.
 */
#include "ike_openssl.h"
#include "options.h"

int main(int argc, char **argv)
{
	static const uint16_t groups[] = { 31, 19, 20, 14 };
	struct bench_options options = bench_options(argc, argv, NULL);

	for (int auth = IKE_OPENSSL_PSK; auth <= IKE_OPENSSL_ECDSA256; auth++) {
		for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
			struct ike_openssl_case what = { auth, groups[g] };
			struct ike_openssl bare;

			ike_openssl_measure(&bare, &what, options.quick);
			printf("%s, %s: %.1f us, %.0f/s on a core\n", ike_openssl_auth_text(auth),
			       ike_openssl_group_text(groups[g]), bare.handshake_ns / 1e3,
			       1e9 / bare.handshake_ns);
			for (size_t i = 0; i < bare.count; i++)
				printf("  %-22s %2u x %9.0f ns\n", bare.lines[i].operation,
				       bare.lines[i].count, bare.lines[i].ns);
			bench_json(&options,
				   "\"auth\":\"%s\",\"group\":\"%s\",\"bare_per_s_core\":%.0f",
				   ike_openssl_auth_text(auth), ike_openssl_group_text(groups[g]),
				   1e9 / bare.handshake_ns);
		}
	}
	bench_end(&options);
	return 0;
}

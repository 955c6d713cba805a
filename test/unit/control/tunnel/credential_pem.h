#pragma once
/* Two certificates that sign themselves, with their keys; for tests alone. */
#define CERT_A                                                                                     \
	"-----BEGIN CERTIFICATE-----\n"                                                            \
	"MIIBTzCCAQGgAwIBAgIUBCjjMlmdP9/sV0Ct5IONuM7g1yYwBQYDK2VwMBwxDTAL\n"                       \
	"BgNVBAoMBFRlc3QxCzAJBgNVBAMMAmd3MCAXDTI2MTEyODAyMTU0OFoYDzIxMjYx\n"                       \
	"MTA0MDIxNTQ4WjAcMQ0wCwYDVQQKDARUZXN0MQswCQYDVQQDDAJndzAqMAUGAytl\n"                       \
	"cAMhAP/oZW44IB2uzd5KP2Okt8FIsa6jYMSz4ss1CuZuZT1Uo1MwUTAdBgNVHQ4E\n"                       \
	"FgQU0g9tF47ck99cc9Q6Kn9R+6qLLd0wHwYDVR0jBBgwFoAU0g9tF47ck99cc9Q6\n"                       \
	"Kn9R+6qLLd0wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQDiCi8mPWXSaMraNcmi\n"                       \
	"alwe4nMdAeRhqRW9PfDmHQlpia3iINPKubMHr2yM9+fQ7TxGiiYQsfcaIIVBFi22\n"                       \
	"xVYH\n"                                                                                   \
	"-----END CERTIFICATE-----\n"
#define KEY_A                                                                                      \
	"-----BEGIN PRIVATE KEY-----\n"                                                            \
	"MC4CAQAwBQYDK2VwBCIEID2lZ9JXu/eKjDZBDYqtEECfdjpMVBoZMs1jByDL+Pp/\n"                       \
	"-----END PRIVATE KEY-----\n"
#define CERT_B                                                                                     \
	"-----BEGIN CERTIFICATE-----\n"                                                            \
	"MIIBTzCCAQGgAwIBAgIUWtBbzYF3Ju04hhCtelrUZV8OYaIwBQYDK2VwMBwxDTAL\n"                       \
	"BgNVBAoMBFRlc3QxCzAJBgNVBAMMAmd3MCAXDTI2MTEyODAyMTU0OFoYDzIxMjYx\n"                       \
	"MTA0MDIxNTQ4WjAcMQ0wCwYDVQQKDARUZXN0MQswCQYDVQQDDAJndzAqMAUGAytl\n"                       \
	"cAMhACzExZvCl1Vz1PbNVpTLFdW9ziwaoKH69KshlOp6U9bfo1MwUTAdBgNVHQ4E\n"                       \
	"FgQUy5i2An+uDGUfDRo3T/Vo7abfv58wHwYDVR0jBBgwFoAUy5i2An+uDGUfDRo3\n"                       \
	"T/Vo7abfv58wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQA/zN6rYSXcbufrz48Q\n"                       \
	"g+PKC3bkrkfGDZz1PRxrj9iLPUEazdOPVDGa9joD6RB5MU9F50/RCnu2Q9+CBItP\n"                       \
	"inUE\n"                                                                                   \
	"-----END CERTIFICATE-----\n"
#define KEY_B                                                                                      \
	"-----BEGIN PRIVATE KEY-----\n"                                                            \
	"MC4CAQAwBQYDK2VwBCIEIMtNqBdj+yDAvlDGIm+U5KLWISprFlsFsv7VqA5fhDEe\n"                       \
	"-----END PRIVATE KEY-----\n"

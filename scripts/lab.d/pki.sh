# shellcheck shell=bash
# A certificate authority of the lab below LAB_DIR/pki. lab_ca NAME; lab_leaf CA NAME SAN ALGORITHM...; lab_crl CA
# NAME...: the list of what it took back.
LAB_PKI=$LAB_DIR/pki

lab_ca() {
	mkdir -p "$LAB_PKI"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$LAB_PKI/$1.key" -out "$LAB_PKI/$1.pem" -days 3 \
		-subj "/CN=lab $1" -addext basicConstraints=critical,CA:true \
		-addext keyUsage=critical,keyCertSign,cRLSign
}

lab_leaf() {
	local ca=$1 name=$2 san=$3
	shift 3
	(umask 077 && openssl genpkey -algorithm "$@" -out "$LAB_PKI/$name.key") &&
		openssl req -new -key "$LAB_PKI/$name.key" -subj "/O=Lab/CN=$name" -out "$LAB_PKI/$name.csr" &&
		openssl x509 -req -in "$LAB_PKI/$name.csr" -CA "$LAB_PKI/$ca.pem" -CAkey "$LAB_PKI/$ca.key" -CAcreateserial \
			-days 3 -out "$LAB_PKI/$name.pem" -extfile <(printf 'subjectAltName=%s\nkeyUsage=digitalSignature\n' "$san")
}

lab_crl() {
	local ca=$1 name
	shift
	: >"$LAB_PKI/index.txt"
	printf '[ca]\ndefault_ca=lab\n[lab]\ndatabase=%s\ndefault_md=sha256\ndefault_crl_days=3\n' \
		"$LAB_PKI/index.txt" >"$LAB_PKI/ca.conf"
	set -- "$@"
	for name in "$@"; do
		openssl ca -config "$LAB_PKI/ca.conf" -cert "$LAB_PKI/$ca.pem" -keyfile "$LAB_PKI/$ca.key" \
			-revoke "$LAB_PKI/$name.pem" || return 1
	done
	openssl ca -config "$LAB_PKI/ca.conf" -cert "$LAB_PKI/$ca.pem" -keyfile "$LAB_PKI/$ca.key" -gencrl \
		-out "$LAB_PKI/$ca.crl"
}

# The certificate as Azure's API takes it: base64 of the DER in one line.
lab_cer() {
	openssl x509 -in "$LAB_PKI/$1.pem" -outform DER | base64 -w 0
}

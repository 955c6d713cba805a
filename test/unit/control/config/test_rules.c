#include "config_edit.h"

#include "control/config/build.h"

#define GW "/virtualNetworkGateways/0"
#define GW_P GW "/properties"
#define C0 "/connections/0/properties"
#define CERTIFICATE(ours, subject, chain)                                                          \
	C0 "/authenticationType='Certificate'\n" C0                                                \
	   "/certificateAuthentication={'outboundAuthCertificate':" ours                           \
	   ",'inboundAuthCertificateSubjectName':" subject ",'inboundAuthCertificateChain':" chain \
	   "}"
#define GW2_P "/virtualNetworkGateways/1/properties"
#define BOTH_HERE "/appliance/ports/0/addresses=['192.0.2.1/24','192.0.2.2/24','203.0.113.3/24']\n"
#define CIRCUIT(bgp)                                                                               \
	"/appliance/ports/2={'name':'er0','device':'net_null2','role':'circuit',"                  \
	"'addresses':['172.16.0.1/30'],'bgpSettings':" bgp "}"
#define LNG(n) "/localNetworkGateways/" #n "/properties"
#define BGP_SITE(n, peer)                                                                          \
	GW_P "/enableBgp=true\n" LNG(n) "/bgpSettings={'asn':65010,'bgpPeeringAddress':'" peer     \
					"'}\n/connections/" #n "/properties/enableBgp=true"
#define PEER(n) LNG(n) "/bgpSettings/bgpPeeringAddress"
#define CHOSEN(leg, address)                                                                       \
	BGP_SITE(0, "169.254.21.9")                                                                \
	"\n" GW_P "/bgpSettings={'asn':65515,'bgpPeeringAddresses':[{"                             \
	"'ipconfigurationId':'activeActive','customBgpIpAddresses':['169.254.22.1']},"             \
	"{'ipconfigurationId':'default'}]}\n" C0 "/gatewayCustomBgpIpAddresses=["                  \
	"{'ipConfigurationId':'" leg "','customBgpIpAddress':'" address "'}]"
#define CHOICE C0 "/gatewayCustomBgpIpAddresses/0/customBgpIpAddress"
#define SPOKE_OF(prefix, uses)                                                                     \
	"/virtualNetworks/0/properties/virtualNetworkPeerings=[{'name':'s','properties':{"         \
	"'remoteVirtualNetwork':'third','allowGatewayTransit':true}}]\n"                           \
	"/virtualNetworks/"                                                                        \
	"2={'name':'third','properties':{'addressSpace':{'addressPrefixes':[" prefix               \
	"]},'virtualNetworkPeerings':[{'name':'hub','properties':{'remoteVirtualNetwork':"         \
	"'inside','useRemoteGateways':" uses "}}]}}"
#define POLICY_GOOD                                                                                \
	"{'saLifeTimeSeconds':27000,'saDataSizeKilobytes':102400000,'ipsecEncryption':'GCMAES256'" \
	","                                                                                        \
	"'ipsecIntegrity':'GCMAES256','ikeEncryption':'AES256','ikeIntegrity':'SHA384',"           \
	"'dhGroup':'ECP384','pfsGroup':'ECP384'}"

struct rule {
	const char *edits;
	const char *pointer; /* NULL: it must be accepted */
	const char *code;
	int http_status; /* 0: 400 */
};

static const struct rule rules[] = {
	{ "", NULL },
	/* 1: the subnet of a gateway */
	{ "/virtualNetworks/0/properties/subnets/0/properties/addressPrefix='10.0.255.0/30'",
	  "/virtualNetworks/0/properties/subnets/0/properties/addressPrefix",
	  "GatewaySubnetTooSmall" },
	{ "/virtualNetworks/0/properties/subnets/0/properties/addressPrefix='10.7.255.0/27'",
	  "/virtualNetworks/0/properties/subnets/0/properties/addressPrefix",
	  "NetcfgInvalidSubnet" },
	{ "/virtualNetworks/0/properties/subnets/1={'name':'x','properties':{'addressPrefix':"
	  "'10.0.255.16/28'}}",
	  "/virtualNetworks/0/properties/subnets/1/properties/addressPrefix",
	  "NetcfgSubnetRangesOverlap" },
	{ "/virtualNetworks/0/properties/subnets/1={'name':'x','properties':{'addressPrefix':"
	  "'10.0.1.0/24'}}\n" GW_P "/ipConfigurations/0/properties/subnet='inside/x'",
	  GW_P "/ipConfigurations/0/properties/subnet", "SubnetNameMustBeGatewaySubnet" },
	/* 2: one gateway per network */
	{ "/virtualNetworkGateways/1/properties/ipConfigurations/0/properties/subnet="
	  "'inside/GatewaySubnet'",
	  "/virtualNetworkGateways/1/properties/ipConfigurations/0/properties/subnet",
	  "OnlyOneVpnGatewayPerVirtualNetwork" },
	/* 3 */
	{ GW_P "/vpnType='PolicyBased'", GW_P "/vpnType", "FeatureNotImplemented", 501 },
	{ GW_P "/gatewayType='ExpressRoute'", GW_P "/gatewayType", "FeatureNotImplemented", 501 },
	/* 4: generations */
	{ GW_P "/sku/name='VpnGw1'\n" GW_P "/vpnGatewayGeneration='Generation2'",
	  GW_P "/vpnGatewayGeneration",
	  "VirtualNetworkGatewaySkuCannotBeCreatedForSpecifiedVmGeneration" },
	{ GW_P "/sku/name='VpnGw5'\n" GW_P "/vpnGatewayGeneration='Generation1'",
	  GW_P "/vpnGatewayGeneration",
	  "VirtualNetworkGatewaySkuCannotBeCreatedForSpecifiedVmGeneration" },
	{ GW_P "/sku/name='VpnGw5'\n" GW_P "/vpnGatewayGeneration='Generation2'", NULL },
	{ GW_P "/sku/name='VpnGw9'", GW_P "/sku/name", "InvalidGatewaySize" },
	{ GW_P "/sku/tier='VpnGw3'", GW_P "/sku/tier", "InvalidParameter" },
	/* 5: active-active */
	{ GW_P "/ipConfigurations/1=-", GW_P "/ipConfigurations",
	  "ActiveActiveGatewayMustHaveExactlyTwoIpConfigurations" },
	{ GW_P "/activeActive=false", GW_P "/ipConfigurations", "InvalidParameter" },
	{ "/publicIPAddresses/1/properties/publicIPAllocationMethod='Dynamic'",
	  GW_P "/ipConfigurations/1/properties/publicIPAddress",
	  "ActiveActiveGatewayPublicIPAddressesDiffersInSkuOrZones" },
	{ "/publicIPAddresses/1/zones=['1']", GW_P "/ipConfigurations/1/properties/publicIPAddress",
	  "ActiveActiveGatewayPublicIPAddressesDiffersInSkuOrZones" },
	{ GW_P "/sku/name='Basic'", GW_P "/activeActive", "GatewaySkuDoesNotSupportFeature" },
	{ GW_P "/ipConfigurations/1/properties/publicIPAddress='pip0'",
	  GW_P "/ipConfigurations/1/properties/publicIPAddress", "PublicIPAddressInUse" },
	/* 6: zones */
	{ GW_P "/sku/name='VpnGw2AZ'", GW_P "/ipConfigurations/0/properties/publicIPAddress",
	  "VmssVpnGatewayPublicIpsMustHaveZonesConfigured" },
	{ "/publicIPAddresses/0/zones=['1']\n/publicIPAddresses/1/zones=['1']",
	  GW_P "/ipConfigurations/0/properties/publicIPAddress",
	  "NonVmssVpnGatewayPublicIpsMustNotHaveZones" },
	{ "/publicIPAddresses/0/zones=['1']\n/publicIPAddresses/1/zones=['1']\n" GW_P
	  "/sku/name='VpnGw2AZ'",
	  NULL },
	{ "/publicIPAddresses/0/sku/name='Basic'\n/publicIPAddresses/1/sku/name='Basic'",
	  GW_P "/ipConfigurations/0/properties/publicIPAddress",
	  "VpnGatewayPublicIpMustBeStandardSku" },
	/* 7, 8: BGP */
	{ GW_P "/bgpSettings={'asn':65010,'bgpPeeringAddresses':[{'ipconfigurationId':'default'}]}",
	  GW_P "/bgpSettings/bgpPeeringAddresses", "BgpPeeringAddressesCountNotCorrect" },
	{ GW_P "/bgpSettings={'asn':65010,'bgpPeeringAddresses':[{'ipconfigurationId':'default',"
	       "'customBgpIpAddresses':['169.254.20.1']},{'ipconfigurationId':'activeActive'}]}",
	  GW_P "/bgpSettings/bgpPeeringAddresses/0/customBgpIpAddresses/0", "InvalidParameter" },
	{ GW_P "/bgpSettings={'asn':65010,'bgpPeeringAddresses':[{'ipconfigurationId':'default',"
	       "'customBgpIpAddresses':['169.254.21.1','169.254.21.1']},{'ipconfigurationId':"
	       "'activeActive'}]}",
	  GW_P "/bgpSettings/bgpPeeringAddresses/0/customBgpIpAddresses/1", "InvalidParameter" },
	{ GW_P "/bgpSettings={'asn':65010,'bgpPeeringAddresses':[{'ipconfigurationId':'default'},"
	       "{'ipconfigurationId':'wrong'}]}",
	  GW_P "/bgpSettings/bgpPeeringAddresses/1/ipconfigurationId", "InvalidResourceReference" },
	{ GW_P "/bgpSettings={'asn':65517}", GW_P "/bgpSettings/asn", "InvalidParameter" },
	{ LNG(0) "/bgpSettings={'asn':65515}", LNG(0) "/bgpSettings/asn", "InvalidParameter" },
	{ GW_P "/bgpSettings={'asn':65515}", NULL },
	{ GW_P "/bgpSettings={'asn':4294967296}", GW_P "/bgpSettings/asn", "InvalidParameter" },
	{ BOTH_HERE "/connections/2=-\n" GW_P "/enableBgp=true\n" GW2_P "/enableBgp=true",
	  GW2_P "/enableBgp", "FeatureNotImplemented", 501 },
	{ GW_P "/enableBgp=true\n" GW2_P "/enableBgp=true", NULL },
	/* 9, 10, 22: not built */
	{ GW_P "/vpnClientConfiguration={'vpnClientProtocols':['IkeV2']}",
	  GW_P "/vpnClientConfiguration", "FeatureNotImplemented", 501 },
	{ GW_P "/vpnClientConfiguration={}", NULL },
	/* the private circuit beside the VPN */
	{ GW_P "/enablePrivateIpAddress=false", NULL },
	{ GW_P "/sku/name='none'\n" GW_P "/enablePrivateIpAddress=true",
	  GW_P "/enablePrivateIpAddress", "InvalidParameter" },
	{ CIRCUIT("{'asn':65010,'bgpPeeringAddress':'172.16.0.2'}"), NULL },
	{ CIRCUIT("{'asn':65010,'bgpPeeringAddress':'172.16.9.2'}"),
	  "/appliance/ports/2/bgpSettings/bgpPeeringAddress", "InvalidParameter" },
	{ CIRCUIT("{'asn':65515,'bgpPeeringAddress':'172.16.0.2'}"),
	  "/appliance/ports/2/bgpSettings/asn", "InvalidParameter" },
	{ "/appliance/ports/1/bgpSettings={'asn':65010,'bgpPeeringAddress':'10.0.0.2'}",
	  "/appliance/ports/1/bgpSettings", "InvalidParameter" },
	{ CIRCUIT("{'asn':65010,'bgpPeeringAddress':'172.16.0.2'}") "\n"
								    "/virtualNetworks/0/properties/"
								    "subnets/0/properties/"
								    "addressPrefix='10.0.255.0/28'",
	  GW_P "/ipConfigurations/0/properties/subnet", "GatewaySubnetTooSmall" },
	{ CIRCUIT("{'asn':65010,'bgpPeeringAddress':'172.16.0.2'}") "\n" C0
								    "/useLocalAzureIpAddress=true",
	  C0 "/useLocalAzureIpAddress", "InvalidParameter" },
	{ CIRCUIT("{'asn':65010,'bgpPeeringAddress':'172.16.0.2'}") "\n" GW_P
								    "/sku/name='none'\n" GW_P
								    "/enablePrivateIpAddress="
								    "true\n" C0
								    "/useLocalAzureIpAddress=true",
	  NULL },
	{ CIRCUIT("{'asn':65010,'bgpPeeringAddress':'172.16.0.2'}") "\n" GW_P
								    "/enablePrivateIpAddress=true",
	  GW_P "/enablePrivateIpAddress", "GatewaySkuDoesNotSupportFeature" },
	{ C0 "/ingressNatRules=[{'id':'gw/rule'}]", C0 "/ingressNatRules", "FeatureNotImplemented",
	  501 },
	{ C0 "/ingressNatRules=[]", NULL },
	{ C0 "/connectionProtocol='IKEv1'", C0 "/connectionProtocol", "FeatureNotImplemented",
	  501 },
	{ C0 "/authenticationType='Certificate'", C0 "/certificateAuthentication",
	  "InvalidRequestContent" },
	{ CERTIFICATE("'/gw.pem'", "'CN=b'", "['/ca.pem']"), NULL },
	{ CERTIFICATE("'file:///gw.pem'", "'branch'", "['file:///ca.pem']"), NULL },
	{ CERTIFICATE("'https://v.vault.azure.net/x'", "'CN=b'", "['/ca.pem']"),
	  C0 "/certificateAuthentication/outboundAuthCertificate", "InvalidParameter" },
	{ CERTIFICATE("'gw.pem'", "'CN=b'", "['/ca.pem']"),
	  C0 "/certificateAuthentication/outboundAuthCertificate", "InvalidParameter" },
	{ CERTIFICATE("'/gw.pem'", "'nonsense='", "['/ca.pem']"),
	  C0 "/certificateAuthentication/inboundAuthCertificateSubjectName", "InvalidParameter" },
	{ CERTIFICATE("'/gw.pem'", "'CN=b'", "['/ca.pem','TUlJQw==']"),
	  C0 "/certificateAuthentication/inboundAuthCertificateChain/1", "InvalidParameter" },
	{ CERTIFICATE("'/gw.pem'", "'CN=b'", "[]"),
	  C0 "/certificateAuthentication/inboundAuthCertificateChain", "InvalidParameter" },
	{ CERTIFICATE("'/gw.pem'", "'CN=b'", "['/ca.pem']") "\n" GW_P "/sku/name='Basic'\n" GW_P
							    "/activeActive=false",
	  C0 "/authenticationType", "GatewaySkuDoesNotSupportFeature" },
	{ C0 "/authenticationType='Certificate'\n" C0
	     "/certificateAuthentication={'outboundAuthCertificate':'/gw.pem',"
	     "'inboundAuthCertificateChain':['/ca.pem'],'inboundAuthRevocationRequired':true}",
	  C0 "/certificateAuthentication/inboundAuthCertificateSubjectName",
	  "InvalidRequestContent" },
	{ C0 "/authenticationType='Certificate'\n" C0 "/remoteId='branch.example'\n" C0
	     "/certificateAuthentication={'outboundAuthCertificate':'/gw.pem',"
	     "'inboundAuthCertificateChain':['/ca.pem'],'inboundAuthRevocationRequired':true}",
	  C0 "/certificateAuthentication/inboundAuthRevocationRequired", "InvalidParameter" },
	/* 12 */
	{ GW_P "/gatewayDefaultSite='nowhere'", GW_P "/gatewayDefaultSite",
	  "InvalidResourceReference" },
	{ GW_P "/gatewayDefaultSite={'id':'a'}", NULL },
	/* A session with each site */
	{ BGP_SITE(0, "10.1.0.1"), NULL },
	{ BGP_SITE(0, "fd00::1"), PEER(0), "InvalidParameter" },
	{ BGP_SITE(0, "10.0.3.1"), PEER(0), "InvalidParameter" },
	{ BGP_SITE(0, "240.0.0.1"), PEER(0), "InvalidParameter" },
	{ BGP_SITE(0, "127.0.0.1"), PEER(0), "InvalidParameter" },
	{ BGP_SITE(0, "0.0.0.0"), PEER(0), "InvalidParameter" },
	{ BGP_SITE(0, "10.1.0.1") "\n" LNG(0) "/bgpSettings/bfdIntervalMilliseconds=9",
	  LNG(0) "/bgpSettings", "InvalidParameter" },
	{ BGP_SITE(0, "10.1.0.1") "\n" LNG(0) "/bgpSettings/bfdIntervalMilliseconds=0", NULL },
	{ CHOSEN("gw/activeActive", "169.254.22.1"), NULL },
	{ CHOSEN("gw/default", "169.254.22.1"), CHOICE, "InvalidParameter" },
	{ CHOSEN("gw/activeActive", "169.254.22.9"), CHOICE, "InvalidParameter" },
	{ BGP_SITE(0, "198.51.100.1"), PEER(0), "InvalidParameter" },
	{ BGP_SITE(0, "198.51.100.2"), NULL },
	{ BGP_SITE(0, "10.1.0.1") "\n" LNG(0) "/bgpSettings/holdSeconds=2", LNG(0) "/bgpSettings",
	  "InvalidParameter" },
	{ BGP_SITE(0, "10.1.0.1") "\n" LNG(0) "/bgpSettings/holdSeconds=30\n" LNG(
		  0) "/bgpSettings/keepaliveSeconds=30",
	  LNG(0) "/bgpSettings", "InvalidParameter" },
	{ BGP_SITE(0, "10.1.0.1") "\n" LNG(0) "/bgpSettings/holdSeconds=3", NULL },
	{ BGP_SITE(0, "10.1.0.1") "\n" LNG(0) "/bgpSettings/keepaliveSeconds=100", NULL },
	{ GW_P "/bgpSettings={'asn':65010,'holdSeconds':1}", GW_P "/bgpSettings",
	  "InvalidParameter" },
	{ BGP_SITE(0, "169.254.21.2") "\n" GW_P "/bgpSettings={'asn':65515,'bgpPeeringAddresses':[{"
				      "'ipconfigurationId':'default','customBgpIpAddresses':['169."
				      "254.21.2']},{"
				      "'ipconfigurationId':'activeActive'}]}",
	  PEER(0), "InvalidParameter" },
	{ BGP_SITE(0, "169.254.21.1"), PEER(0), "InvalidParameter" },
	{ BGP_SITE(0, "169.254.21.1") "\n" GW_P "/bgpSettings={'asn':65515,'bgpPeeringAddresses':[{"
				      "'ipconfigurationId':'default'},{"
				      "'ipconfigurationId':'activeActive','customBgpIpAddresses':['"
				      "169.254.21.2']}]}",
	  NULL },
	{ BGP_SITE(0, "10.1.0.1") "\n" BGP_SITE(1, "10.1.0.2"), NULL },
	{ BGP_SITE(0, "10.1.0.1") "\n" BGP_SITE(1, "10.1.0.1"),
	  "/connections/1/properties/enableBgp", "InvalidParameter" },
	/* 13: the two ends */
	{ C0 "/localNetworkGateway2=-", C0 "/localNetworkGateway2", "InvalidRequestContent" },
	{ C0 "/virtualNetworkGateway2='gw2'", C0 "/virtualNetworkGateway2", "InvalidParameter" },
	{ "/connections/2/properties/virtualNetworkGateway2=-",
	  "/connections/2/properties/virtualNetworkGateway2", "InvalidRequestContent" },
	{ "/connections/2/properties/virtualNetworkGateway2='gw'",
	  "/connections/2/properties/virtualNetworkGateway2", "InvalidParameter" },
	{ BOTH_HERE, "/connections/2/properties/virtualNetworkGateway2", "FeatureNotImplemented",
	  501 },
	{ GW_P "/enableBgp=true\n/connections/2/properties/enableBgp=true",
	  "/connections/2/properties/enableBgp", "InvalidParameter" },
	{ GW_P "/enableBgp=true\n" GW2_P
	       "/enableBgp=true\n/connections/2/properties/enableBgp=true",
	  "/connections/2/properties/enableBgp", "InvalidParameter" },
	{ GW_P "/enableBgp=true\n" GW2_P "/enableBgp=true\n" GW2_P
	       "/bgpSettings={'asn':65010}\n/connections/2/properties/enableBgp=true",
	  NULL },
	{ C0 "/virtualNetworkGateway1='nowhere'", C0 "/virtualNetworkGateway1",
	  "InvalidResourceReference" },
	{ C0 "/localNetworkGateway2='b'", "/connections/1/properties/localNetworkGateway2",
	  "VirtualNetworkGatewayConnectionAlreadyExists" },
	/* 14: the key */
	{ C0 "/sharedKey='a-b'", C0 "/sharedKey", "InvalidParameter" },
	{ C0 "/sharedKey='a~b'", C0 "/sharedKey", "InvalidParameter" },
	{ C0 "/sharedKey=-", NULL },
	/* 16: policies */
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]", NULL },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "," POLICY_GOOD "]", C0 "/ipsecPolicies",
	  "InvalidParameter" },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]\n" C0 "/ipsecPolicies/0/pfsGroup=-",
	  C0 "/ipsecPolicies/0/pfsGroup", "InvalidRequestContent" },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]\n" C0 "/ipsecPolicies/0/ipsecIntegrity='SHA256'",
	  C0 "/ipsecPolicies/0/ipsecIntegrity", "IpsecPolicyIntegrityMismatch" },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]\n" C0 "/ipsecPolicies/0/ipsecEncryption='AES256'",
	  C0 "/ipsecPolicies/0/ipsecIntegrity", "IpsecPolicyIntegrityMismatch" },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]\n" C0 "/ipsecPolicies/0/saLifeTimeSeconds=299",
	  C0 "/ipsecPolicies/0/saLifeTimeSeconds", "InvalidParameter" },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]\n" C0 "/ipsecPolicies/0/saDataSizeKilobytes=1023",
	  C0 "/ipsecPolicies/0/saDataSizeKilobytes", "InvalidParameter" },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]\n" C0 "/ipsecPolicies/0/ikeEncryption='DES'",
	  C0 "/ipsecPolicies/0/ikeEncryption", "FeatureNotImplemented", 501 },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]\n" C0 "/ipsecPolicies/0/dhGroup='None'",
	  C0 "/ipsecPolicies/0/dhGroup", "FeatureNotImplemented", 501 },
	{ C0 "/ipsecPolicies=[" POLICY_GOOD "]\n" GW_P "/sku/name='Basic'", C0 "/ipsecPolicies",
	  "GatewaySkuDoesNotSupportFeature" },
	/* 17 */
	{ C0 "/dpdTimeoutSeconds=8", C0 "/dpdTimeoutSeconds", "InvalidParameter" },
	{ C0 "/dpdTimeoutSeconds=3601", C0 "/dpdTimeoutSeconds", "InvalidParameter" },
	{ C0 "/dpdTimeoutSeconds=0", NULL },
	/* 18 */
	{ C0 "/trafficSelectorPolicies=[{'localAddressRanges':['10.0.0.0/16'],"
	     "'remoteAddressRanges':['10.1.0.0/16']}]",
	  C0 "/trafficSelectorPolicies", "InvalidParameter" },
	{ C0 "/usePolicyBasedTrafficSelectors=true\n" C0
	     "/trafficSelectorPolicies=[{'localAddressRanges':['10.0.0.0/16'],"
	     "'remoteAddressRanges':['10.1.0.1/16']}]",
	  C0 "/trafficSelectorPolicies/0/remoteAddressRanges/0", "InvalidParameter" },
	/* 21: overlaps */
	{ LNG(1) "/localNetworkAddressSpace/addressPrefixes/0='10.1.7.0/24'",
	  LNG(1) "/localNetworkAddressSpace/addressPrefixes/0", "AddressSpaceOverlap" },
	{ LNG(1) "/localNetworkAddressSpace/addressPrefixes/0='10.0.7.0/24'",
	  LNG(1) "/localNetworkAddressSpace/addressPrefixes/0", "AddressSpaceOverlap" },
	{ LNG(1) "/localNetworkAddressSpace/addressPrefixes/0='10.0.0.0/8'",
	  LNG(1) "/localNetworkAddressSpace/addressPrefixes/0", "AddressSpaceOverlap" },
	{ LNG(0) "/sharedPrefixes=true\n" LNG(1) "/sharedPrefixes=true\n" LNG(
		  1) "/localNetworkAddressSpace/addressPrefixes/0='10.1.0.0/16'",
	  NULL },
	/* with what lies behind a gateway that is a peer, or uses ours */
	{ LNG(1) "/localNetworkAddressSpace/addressPrefixes/0='10.9.7.0/24'",
	  LNG(1) "/localNetworkAddressSpace/addressPrefixes/0", "AddressSpaceOverlap" },
	{ "/virtualNetworks/1/properties/addressSpace/addressPrefixes=['10.9.0.0/16',"
	  "'10.0.128.0/17']",
	  "/connections/2/properties/virtualNetworkGateway2", "AddressSpaceOverlap" },
	{ "/connections/2=-\n/virtualNetworks/1/properties/addressSpace/addressPrefixes=["
	  "'10.9.0.0/16','10.0.128.0/17']",
	  NULL },
	{ SPOKE_OF("'10.8.0.0/16'", "true"), NULL },
	{ SPOKE_OF("'10.2.0.0/16'", "true"), LNG(1) "/localNetworkAddressSpace/addressPrefixes/0",
	  "AddressSpaceOverlap" },
	{ SPOKE_OF("'10.2.0.0/16'", "false"), NULL },
	{ SPOKE_OF("'10.0.0.0/8'", "false"),
	  "/virtualNetworks/2/properties/virtualNetworkPeerings/0", "VnetAddressSpacesOverlap" },
	{ "/connections/3={'name':'twice','properties':{'virtualNetworkGateway1':'gw',"
	  "'virtualNetworkGateway2':'gw2','connectionType':'Vnet2Vnet','sharedKey':'K'}}",
	  "/connections/3/properties/virtualNetworkGateway2",
	  "VirtualNetworkGatewayConnectionAlreadyExists" },
	{ "/connections/3={'name':'back','properties':{'virtualNetworkGateway1':'gw2',"
	  "'virtualNetworkGateway2':'gw','connectionType':'Vnet2Vnet','sharedKey':'K'}}",
	  NULL },
	{ LNG(1) "/localNetworkAddressSpace/addressPrefixes=[]",
	  "/connections/1/properties/localNetworkGateway2", "InvalidParameter" },
	{ LNG(1) "/gatewayIpAddress='198.51.100.1'", LNG(1) "/gatewayIpAddress",
	  "InvalidParameter" },
	{ LNG(1) "/gatewayIpAddress='192.0.2.1'", "/connections/1/properties/localNetworkGateway2",
	  "InvalidParameter" },
	{ LNG(1) "/gatewayIpAddress=-", LNG(1) "/gatewayIpAddress", "InvalidParameter" },
	{ LNG(1) "/gatewayIpAddress=-\n" LNG(1) "/fqdn='branch.example'", NULL },
	{ LNG(1) "/fqdn='branch.example'", LNG(1) "/gatewayIpAddress", "InvalidParameter" },
	{ LNG(1) "/gatewayIpAddress=-\n" LNG(1) "/fqdn='bra nch.example'", LNG(1) "/fqdn",
	  "InvalidParameter" },
	{ LNG(1) "/gatewayIpAddress=-\n" LNG(1) "/fqdn='.example'", LNG(1) "/fqdn",
	  "InvalidParameter" },
	{ LNG(1) "/gatewayIpAddress='0.0.0.0'", NULL },
	{ LNG(1) "/gatewayIpAddress='0.0.0.0'\n/connections/1/properties/connectionMode="
		 "'InitiatorOnly'",
	  "/connections/1/properties/connectionMode", "InvalidParameter" },
	{ LNG(0) "/gatewayIpAddress='0.0.0.0'\n" LNG(1) "/gatewayIpAddress='0.0.0.0'",
	  LNG(1) "/gatewayIpAddress", "InvalidParameter" },
	/* addresses and ports */
	{ "/publicIPAddresses/0/properties/ipAddress='192.0.2.77'",
	  "/publicIPAddresses/0/properties/ipAddress", "InvalidParameter" },
	{ "/publicIPAddresses/2/properties/ipAddress='203.0.113.77'", NULL },
	{ "/connections/2=-\n/publicIPAddresses/2/properties/ipAddress='203.0.113.77'", NULL },
	{ "/connections/2/properties/virtualNetworkGateway1='gw2'\n"
	  "/connections/2/properties/virtualNetworkGateway2='gw'",
	  NULL },
	{ "/connections/2=-\n/connections/0/properties/virtualNetworkGateway1='gw2'",
	  "/publicIPAddresses/2/properties/ipAddress", "InvalidParameter" },
	{ "/publicIPAddresses/0/properties/ipAddress='203.0.113.1'\n"
	  "/publicIPAddresses/0/properties/portAddress='192.0.2.1'",
	  NULL },
	{ "/publicIPAddresses/1/properties/ipAddress=-", NULL },
	{ "/publicIPAddresses/3={'name':'one-too-many','properties':{}}",
	  "/publicIPAddresses/3/properties/ipAddress", "PublicIPCountLimitReached" },
	{ "/publicIPAddresses/1/properties/ipAddress='192.0.2.1'",
	  "/publicIPAddresses/1/properties/ipAddress", "InvalidParameter" },
	{ "/publicIPAddresses/0/properties/ipAddress='10.0.0.1'",
	  "/publicIPAddresses/0/properties/ipAddress", "InvalidParameter" },
	{ "/appliance/ports/1/name='pub0'", "/appliance/ports/1/name", "NameNotUnique" },
	{ "/appliance/ports/1/device='net_null0'", "/appliance/ports/1/device",
	  "InvalidParameter" },
	{ "/appliance/ports/0/gateway='203.0.113.1'", "/appliance/ports/0/gateway",
	  "InvalidParameter" },
	{ "/appliance/ports/0/probe='203.0.113.1'\n/appliance/ports/0/gateway='192.0.2.254'",
	  NULL },
	{ "/appliance/ports/0/probe='2001:db8::1'", "/appliance/ports/0/probe",
	  "InvalidParameter" },
	{ "/appliance/ports/1/probe='203.0.113.1'", "/appliance/ports/1/probe",
	  "InvalidParameter" },
	{ "/appliance/ports/0/mtu=1279", "/appliance/ports/0/mtu", "InvalidParameter" },
	{ "/appliance/api/listeners/0={'address':'10.0.0.1','tls':false}",
	  "/appliance/api/listeners/0/tls", "InvalidParameter" },
	{ "/appliance/api/tokens=[{'name':'t','role':'admin','hash':'sha256:12'}]",
	  "/appliance/api/tokens/0/hash", "InvalidParameter" },
	{ "/appliance/api/tokens=[{'name':'t','role':'admin','expires':'next year','hash':"
	  "'sha256:abababababababababababababababababababababababababababababababab"
	  "'}]",
	  "/appliance/api/tokens/0/expires", "InvalidParameter" },
	{ C0 "/sharedKey='0xyz'", C0 "/sharedKey", "InvalidParameter" },
	{ C0 "/sharedKey='0X123'", C0 "/sharedKey", "InvalidParameter" },
	{ C0 "/sharedKey='0x'", C0 "/sharedKey", "InvalidParameter" },
	{ C0 "/sharedKey='0x00fF'", NULL },
	{ C0 "/sharedKey='0'", NULL },
	{ "/appliance/maxima/connections=2", "/appliance/maxima/connections", "QuotaExceeded" },
	{ "/connections/3={'name':'TO-A','properties':{'virtualNetworkGateway1':'gw',"
	  "'localNetworkGateway2':'a','connectionType':'IPsec'}}",
	  NULL }, /* replaced below: the two differ in case only */
};

static void check_rule(const struct rule *rule, size_t number)
{
	struct config_report report;
	struct config *config = NULL;
	const struct config_finding *finding;
	int status;

	config_report_init(&report);
	status = config_edit_load(&config, NULL, rule->edits, &report);
	finding = rule->pointer ? config_test_found(&report, rule->pointer, rule->code) : NULL;
	if (rule->pointer ? !finding : status != 0) {
		print_message("rule %zu: %s\n", number, rule->edits);
		config_test_print(&report);
	}
	if (rule->pointer) {
		assert_int_equal(status, -EINVAL);
		assert_non_null(finding);
		assert_int_equal(finding->http_status, rule->http_status ? rule->http_status : 400);
		assert_true(strlen(finding->message) > 5);
	} else {
		assert_int_equal(status, 0);
	}
	config_put(config);
	config_report_fini(&report);
}

static void test_rules(void **state)
{
	for (size_t i = 0; i + 1 < sizeof(rules) / sizeof(rules[0]); i++)
		check_rule(&rules[i], i);
}

static void test_names_without_case(void **state)
{
	struct rule rule = rules[sizeof(rules) / sizeof(rules[0]) - 1];

	rule.pointer = "/connections/3";
	rule.code = "InvalidRequestContent";
	check_rule(&rule, 0);
}

/* Against what runs: what may not change, and resizes. */
static const struct rule changes[] = {
	{ GW_P "/sku/name='VpnGw3'", NULL },
	{ GW_P "/sku/name='none'", NULL },
	{ GW_P "/sku/name='Basic'\n" GW_P "/activeActive=false\n" GW_P "/ipConfigurations/1=-",
	  GW_P "/sku/name", "GatewaySkuChangeNotAllowed" },
	/* The base is of the first generation, since its SKU is. */
	{ GW_P "/vpnGatewayGeneration='Generation2'", GW_P "/vpnGatewayGeneration",
	  "PropertyChangeNotAllowed" },
	{ GW_P "/sku/name='VpnGw5'\n" GW_P "/vpnGatewayGeneration='Generation2'", GW_P "/sku/name",
	  "GatewaySkuChangeNotAllowed" },
	{ C0 "/virtualNetworkGateway1='gw2'", C0 "/virtualNetworkGateway1",
	  "PropertyChangeNotAllowed" },
	{ C0 "/dpdTimeoutSeconds=60", NULL },
};

static void test_changes(void **state)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct config_report report;
		struct config *base = NULL, *config = NULL;

		config_report_init(&report);
		assert_int_equal(config_edit_load(&base, NULL, "", &report), 0);
		if (config_edit_load(&config, base, changes[i].edits, &report) &&
		    !changes[i].pointer)
			config_test_print(&report);
		if (changes[i].pointer)
			assert_non_null(
				config_test_found(&report, changes[i].pointer, changes[i].code));
		else
			assert_non_null(config);
		config_put(config);
		config_put(base);
		config_report_fini(&report);
	}
}

/* Deleted by name: 409 with who uses it; and what nobody uses goes. */
static void test_in_use(void **state)
{
	static const struct {
		enum config_kind kind;
		const char *id;
		const char *code; /* NULL: it goes */
	} cases[] = {
		{ CONFIG_LOCAL_GATEWAY, "a", "InUseLocalNetworkGatewayCannotBeDeleted" },
		{ CONFIG_VIRTUAL_NETWORK, "inside", "InUseVirtualNetworkCannotBeDeleted" },
		{ CONFIG_GATEWAY, "gw", "InUseGatewayCannotBeDeleted" },
		{ CONFIG_PUBLIC_IP, "pip0", "PublicIPAddressCannotBeDeleted" },
		{ CONFIG_CONNECTION, "to-a", NULL },
	};
	struct config *base = NULL;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config_build_options options = { 0 };
		struct config_report report;
		struct config_build *build;
		struct config *config = NULL;

		config_report_init(&report);
		if (!base)
			assert_int_equal(config_edit_load(&base, NULL, "", &report), 0);
		options.previous = base;
		assert_int_equal(config_build_begin(&build, &options, &report), 0);
		assert_int_equal(config_build_remove(build, cases[i].kind, cases[i].id), 0);
		assert_int_equal(config_build_end(build, &config), cases[i].code ? -EINVAL : 0);
		if (cases[i].code) {
			assert_string_equal(report.errors[0].code, cases[i].code);
			assert_int_equal(report.errors[0].http_status, 409);
			assert_non_null(strstr(report.errors[0].message, "/"));
		}
		config_put(config);
		config_report_fini(&report);
	}
	config_put(base);
}

/* A network is put without the subnet that a gateway is in: told as a deletion is. */
static void test_part_in_use(void **state)
{
	struct config_body body = { .kind = CONFIG_VIRTUAL_NETWORK, .id = "inside", .origin = "" };
	struct config_build_options options = { 0 };
	struct config_report report;
	struct config_build *build;
	struct config *base = NULL, *config = NULL;
	cJSON *json = cJSON_Parse("{\"properties\":{\"addressSpace\":{\"addressPrefixes\":"
				  "[\"10.0.0.0/16\"]}}}");

	config_report_init(&report);
	assert_int_equal(config_edit_load(&base, NULL, "", &report), 0);
	options.previous = base;
	body.json = json;
	assert_int_equal(config_build_begin(&build, &options, &report), 0);
	assert_int_equal(config_build_put(build, &body), 0);
	assert_int_equal(config_build_end(build, &config), -EINVAL);
	assert_string_equal(report.errors[0].code, "InUseSubnetCannotBeDeleted");
	assert_int_equal(report.errors[0].http_status, 409);
	assert_non_null(strstr(report.errors[0].message, "/virtualNetworkGateways/gw"));
	config_report_fini(&report);
	config_put(base);
	cJSON_Delete(json);
}

/* The address stays with its resource when a client puts it again without. */
static void test_assigned_address(void **state)
{
	struct config_report report;
	struct config *base = NULL, *next = NULL;

	config_report_init(&report);
	assert_int_equal(config_edit_load(&base, NULL,
					  "/publicIPAddresses/1/properties/ipAddress=-", &report),
			 0);
	assert_int_equal(config_public_ip_at(base, 1)->address.bytes[3], 2);
	assert_int_equal(config_edit_load(&next, base,
					  "/publicIPAddresses/1/properties/ipAddress=-\n"
					  "/appliance/ports/0/addresses=['192.0.2.4/24',"
					  "'192.0.2.1/24','192.0.2.2/24','192.0.2.3/24']",
					  &report),
			 0);
	assert_int_equal(config_public_ip_at(next, 1)->address.bytes[3], 2);
	config_put(next);
	config_put(base);
	config_report_fini(&report);
}

static struct config *load(const struct config *previous, bool complete, const char *edits)
{
	struct config_source source = { .previous = previous, .complete = complete };
	struct config_report report;
	struct config *config = NULL;
	char *text = config_edit(edits);

	config_report_init(&report);
	if (config_load_text(&config, &source, text, strlen(text), &report))
		config_test_print(&report);
	assert_non_null(config);
	config_report_fini(&report);
	free(text);
	return config;
}

/* The generation is the one that it had, else the SKU's first; SKUs without one leave it open. */
static void test_assigned_generation(void **state)
{
	static const char second[] = GW_P "/vpnGatewayGeneration='Generation2'";
	static const struct {
		const char *before, *after;
		int generation;
	} cases[] = {
		{ NULL, "", CONFIG_GENERATION_1 },
		{ NULL, GW_P "/sku/name='VpnGw5'", CONFIG_GENERATION_2 },
		{ NULL, GW_P "/sku/name='none'", CONFIG_GENERATION_NONE },
		{ second, "", CONFIG_GENERATION_2 },
		{ second, GW_P "/sku/name='VpnGw3'", CONFIG_GENERATION_2 },
		{ second, GW_P "/sku/name='none'", CONFIG_GENERATION_NONE },
		{ GW_P "/sku/name='none'", GW_P "/sku/name='VpnGw5'", CONFIG_GENERATION_2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *base = cases[i].before ? load(NULL, false, cases[i].before) : NULL;
		struct config *next = load(base, false, cases[i].after);

		assert_int_equal(config_gateway_at(next, 0)->generation, cases[i].generation);
		config_put(next);
		config_put(base);
	}
}

/* A key is never taken for octets by chance: "0x" begins those. */
static void test_generated_keys(void **state)
{
	for (int i = 0; i < 200; i++) {
		struct config *config = load(NULL, false,
					     "/connections/0/properties/sharedKey=-\n"
					     "/connections/1/properties/sharedKey=-\n"
					     "/connections/2/properties/sharedKey=-");

		for (uint32_t c = 0; c < 3; c++) {
			const struct secret *key = &config_connection_at(config, c)->shared_key;

			assert_int_equal(key->n, 48);
			assert_int_not_equal(key->p[0], '0');
		}
		config_put(config);
	}
}

#define BGP(more)                                                                                  \
	LNG(0)                                                                                     \
	"/bgpSettings={'asn':65010,'bgpPeeringAddress':'10.1.0.1'" more "}\n"                      \
	"/appliance/ports/2={'name':'er0','device':'net_null2','role':'circuit','addresses':"      \
	"['172.16.0.1/30'],'bgpSettings':{'asn':65020,'bgpPeeringAddress':'172.16.0.2'" more "}}"

/* A body that does not speak of the password leaves it; "" takes it away; none stays in the pool.
 */
static void test_password(void **state)
{
	static const struct {
		const char *edits;
		bool complete;
		const char *password;
	} cases[] = {
		{ BGP(""), false, "Md5Word" },
		{ BGP(",'password':'Other'"), false, "Other" },
		{ BGP(",'password':''"), false, "" },
		{ BGP(""), true, "" },
	};
	size_t used = secret_pool_used();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *base = load(NULL, false, BGP(",'password':'Md5Word'"));
		struct config *next = load(base, cases[i].complete, cases[i].edits);
		const struct config_port *port =
			config_appliance_port(config_appliance(next), "er0");
		const struct secret *now[] = { &config_local_gateway_at(next, 0)->bgp->password,
					       &port->bgp->password };

		for (int k = 0; k < 2; k++) {
			assert_int_equal(now[k]->n, strlen(cases[i].password));
			assert_true(!now[k]->n ||
				    secret_equal(now[k]->p, cases[i].password, now[k]->n));
		}
		config_put(next);
		config_put(base);
		assert_int_equal(secret_pool_used(), used);
	}
}

static int set_up(void **state)
{
	return secret_pool_init(1 << 20);
}

static int tear_down(void **state)
{
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_names_without_case),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_part_in_use),
		cmocka_unit_test(test_assigned_address),
		cmocka_unit_test(test_assigned_generation),
		cmocka_unit_test(test_generated_keys),
		cmocka_unit_test(test_password),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

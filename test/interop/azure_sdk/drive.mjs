/*
 * The Azure SDK for JavaScript against our endpoint, as a program written for Azure would use it:
 * nothing in here knows of vpngw but the address. TAP on stdout.
 *
 *   node drive.mjs ENDPOINT TOKEN-FILE MODULES
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

const [endpoint, tokenFile, modules] = process.argv.slice(2);
const { NetworkManagementClient } = createRequire(`${modules}/`)('@azure/arm-network');
const token = readFileSync(tokenFile, 'utf8').trim();
const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600e3 }) };
const subscription = '00000000-0000-0000-0000-000000000000';
const group = 'demo';
const client = new NetworkManagementClient(credential, subscription, { endpoint });
const prefix = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Network`;
const quick = { updateIntervalInMs: 100 };

let count = 0;
let failed = 0;

function expect(what, holds, detail) {
	count++;
	if (!holds) failed++;
	console.log(`${holds ? 'ok' : 'not ok'} ${count} - ${what}`);
	if (!holds && detail !== undefined) console.log(`#   ${JSON.stringify(detail)}`);
}

async function step(what, action) {
	const begun = performance.now();
	try {
		const result = await action();
		expect(`${what} (${Math.round(performance.now() - begun)} ms)`, true);
		return result;
	} catch (error) {
		expect(what, false, { code: error.code, status: error.statusCode, message: error.message });
		return undefined;
	}
}

/* The call must fail as RestError with this status and code. */
async function refused(what, status, code, action) {
	try {
		await action();
		expect(what, false, 'it was accepted');
	} catch (error) {
		expect(what, error.name === 'RestError' && error.statusCode === status && error.code === code &&
			error.message.length > 10,
			{ name: error.name, status: error.statusCode, code: error.code, message: error.message });
	}
}

/*
 * An operation of a feature that may not be there: then RestError that names it (501 not built, 409 not
 * enabled: no FRR), else an answer that `holds`.
 */
async function builtOrSaid(what, feature, action, holds) {
	try {
		const result = await action();
		expect(what, holds(result), result);
	} catch (error) {
		expect(`${what}: not built or not enabled, and said so`, error.name === 'RestError' && (error.statusCode === 501 &&
			error.code === 'NotImplemented' || error.statusCode === 409 && error.code === 'OperationNotAllowed') &&
			error.message.includes(feature),
			{ name: error.name, status: error.statusCode, code: error.code, message: error.message });
	}
}

async function all(pages) {
	const items = [];
	for await (const item of pages) items.push(item);
	return items;
}

const gateways = client.virtualNetworkGateways;
const sites = client.localNetworkGateways;
const connections = client.virtualNetworkGatewayConnections;

async function readGateway() {
	const gateway = await step('get the gateway', () => gateways.get(group, 'gw'));
	expect('it is active-active with two IP configurations',
		gateway?.active === true && gateway?.ipConfigurations?.length === 2, gateway);
	expect('it has id, etag, type and a state', gateway?.id === `${prefix}/virtualNetworkGateways/gw` &&
		/^W\/"/.test(gateway?.etag) && gateway?.type === 'Microsoft.Network/virtualNetworkGateways' &&
		gateway?.provisioningState === 'Succeeded', gateway);
	const list = await step('list gateways', () => all(gateways.list(group)));
	expect('the list has it', list?.some((item) => item.name === 'gw'), list);
	return gateway;
}

async function createSite() {
	const site = await step('create a local network gateway', () => sites.beginCreateOrUpdateAndWait(group, 'sdk-site', {
		location: 'here',
		tags: { owner: 'sdk' },
		gatewayIpAddress: '203.0.113.77',
		localNetworkAddressSpace: { addressPrefixes: ['10.77.0.0/16'] },
	}, quick));
	expect('it is as it was sent', site?.gatewayIpAddress === '203.0.113.77' &&
		site?.localNetworkAddressSpace?.addressPrefixes?.[0] === '10.77.0.0/16' &&
		site?.tags?.owner === 'sdk' && site?.provisioningState === 'Succeeded', site);
	return site;
}

async function createConnection(gateway, site) {
	const body = {
		location: 'here',
		virtualNetworkGateway1: gateway,
		localNetworkGateway2: site,
		connectionType: 'IPsec',
		connectionProtocol: 'IKEv2',
		connectionMode: 'ResponderOnly',
		sharedKey: 'SdkKey123',
		dpdTimeoutSeconds: 45,
		enableBgp: false,
		ipsecPolicies: [{
			saLifeTimeSeconds: 27000, saDataSizeKilobytes: 102400000, ipsecEncryption: 'GCMAES256',
			ipsecIntegrity: 'GCMAES256', ikeEncryption: 'AES256', ikeIntegrity: 'SHA384',
			dhGroup: 'ECP384', pfsGroup: 'ECP384',
		}],
	};
	const made = await step('create a connection',
		() => connections.beginCreateOrUpdateAndWait(group, 'sdk-connection', body, quick));
	expect('its key does not come back', made && made.sharedKey === undefined, made);
	expect('its policy does', made?.ipsecPolicies?.[0]?.dhGroup === 'ECP384', made);
	const got = await step('get the connection', () => connections.get(group, 'sdk-connection'));
	expect('it has a status per tunnel', got?.connectionStatus !== undefined && got?.tunnelConnectionStatus?.length === 2,
		got);
	const list = await step('list connections', () => all(connections.list(group)));
	expect('both are there', list?.length === 2, list?.map((item) => item.name));
	const own = await step('list connections of the gateway', () => all(gateways.listConnections(group, 'gw')));
	expect('both are there', own?.length === 2, own);
	return body;
}

async function changeConnection(body) {
	const made = await step('change the connection', () => connections.beginCreateOrUpdateAndWait(group,
		'sdk-connection', { ...body, sharedKey: undefined, dpdTimeoutSeconds: 60 }, quick));
	expect('the change is there', made?.dpdTimeoutSeconds === 60, made);
	const key = await step('read the shared key', () => connections.getSharedKey(group, 'sdk-connection'));
	expect('it is still the one that was set', key?.value === 'SdkKey123');
	await step('set another shared key', () => connections.beginSetSharedKeyAndWait(group, 'sdk-connection',
		{ value: 'Another456' }, quick));
	const other = await step('read it', () => connections.getSharedKey(group, 'sdk-connection'));
	expect('it is the other one', other?.value === 'Another456');
	await step('reset the shared key', () => connections.beginResetSharedKeyAndWait(group, 'sdk-connection',
		{ keyLength: 64 }, quick));
	const reset = await step('read it', () => connections.getSharedKey(group, 'sdk-connection'));
	expect('it has 64 characters now', reset?.value?.length === 64);
	const tagged = await step('change tags of the connection', () => connections.beginUpdateTagsAndWait(group,
		'sdk-connection', { tags: { stage: 'test' } }, quick));
	expect('they are there', tagged?.tags?.stage === 'test', tagged);
	const site = await step('change tags of the site', () => sites.updateTags(group, 'sdk-site', { tags: { a: 'b' } }));
	expect('they are there', site?.tags?.a === 'b', site);
}

async function actions() {
	await step('reset the connection', () => connections.beginResetConnectionAndWait(group, 'sdk-connection', quick));
	await step('reset the gateway', () => gateways.beginResetAndWait(group, 'gw', quick));
	await step('the IKE SAs of a connection', () => connections.beginGetIkeSasAndWait(group, 'sdk-connection', quick));
}

async function queries() {
	const routes = (result) => Array.isArray(result?.value) && result.value.every((row) => row.network && row.origin);
	await builtOrSaid('BGP peer status', 'BGP', () => gateways.beginGetBgpPeerStatusAndWait(group, 'gw', quick),
		(result) => Array.isArray(result?.value));
	await builtOrSaid('learned routes', 'BGP', () => gateways.beginGetLearnedRoutesAndWait(group, 'gw', quick), routes);
	await builtOrSaid('advertised routes', 'BGP',
		() => gateways.beginGetAdvertisedRoutesAndWait(group, 'gw', '10.20.0.1', quick), routes);
	expect('a packet capture starts', await step('start a packet capture',
		() => gateways.beginStartPacketCaptureAndWait(group, 'gw', quick)) !== undefined);
	expect('and stops', await step('stop it', () => gateways.beginStopPacketCaptureAndWait(group, 'gw',
		{ sasUrl: 'https://127.0.0.1/none' }, quick)) !== undefined);
	await refused('what only ExpressRoute gateways have', 400, 'NotSupported',
		() => gateways.beginGetResiliencyInformationAndWait(group, 'gw', quick));
	const xml = await step('the supported devices', () => gateways.supportedVpnDevices(group, 'gw'));
	expect('they are XML', text(xml).includes('<RpVpnDeviceList'), xml);
	const script = await step('a device script', () => gateways.vpnDeviceConfigurationScript(group, 'sdk-connection',
		{ vendor: 'strongSwan', deviceFamily: 'swanctl', firmwareVersion: '5.9' }));
	expect('it is for our addresses', text(script).includes('remote_addrs = 192.0.2.1'), script);
	await refused('what belongs to point-to-site', 501, 'NotImplemented',
		() => gateways.beginGetVpnclientConnectionHealthAndWait(group, 'gw', quick));
}

const rules = client.virtualNetworkGatewayNatRules;

async function natRules(gateway, body) {
	expect('there are no NAT rules', (await step('list NAT rules',
		() => all(rules.listByVirtualNetworkGateway(group, 'gw'))))?.length === 0);
	const rule = {
		typePropertiesType: 'Static', mode: 'EgressSnat', ipConfigurationId: gateway?.ipConfigurations?.[0]?.id,
		internalMappings: [{ addressSpace: '10.10.4.0/24' }], externalMappings: [{ addressSpace: '100.64.4.0/24' }],
	};
	const made = await step('create a NAT rule', () => rules.beginCreateOrUpdateAndWait(group, 'gw', 'sdk-rule', rule, quick));
	expect('it is as it was sent', made?.name === 'sdk-rule' && made?.provisioningState === 'Succeeded' &&
		made?.externalMappings?.[0]?.addressSpace === '100.64.4.0/24' && made?.mode === 'EgressSnat' &&
		made?.type === 'Microsoft.Network/virtualNetworkGateways/natRules' &&
		made?.id === `${prefix}/virtualNetworkGateways/gw/natRules/sdk-rule`, made);
	const other = await step('change it', () => rules.beginCreateOrUpdateAndWait(group, 'gw', 'sdk-rule',
		{ ...rule, externalMappings: [{ addressSpace: '100.64.5.0/24' }] }, quick));
	expect('it is changed', other?.externalMappings?.[0]?.addressSpace === '100.64.5.0/24', other);
	expect('the list has it', (await step('list NAT rules',
		() => all(rules.listByVirtualNetworkGateway(group, 'gw'))))?.[0]?.name === 'sdk-rule');
	expect('so has the gateway', (await step('get the gateway', () => gateways.get(group, 'gw')))?.natRules?.length === 1);
	await refused('a rule whose sizes differ', 400, 'InvalidParameter', () => rules.beginCreateOrUpdateAndWait(group, 'gw',
		'wrong', { ...rule, externalMappings: [{ addressSpace: '100.64.6.0/25' }] }, quick));
	await refused('a connection that refers to one', 501, 'FeatureNotImplemented', () => connections.beginCreateOrUpdateAndWait(
		group, 'sdk-connection', { ...body, egressNatRules: [{ id: made?.id }] }, quick));
	await step('delete it', () => rules.beginDeleteAndWait(group, 'gw', 'sdk-rule', quick));
	await refused('it is gone', 404, 'NotFound', () => rules.get(group, 'gw', 'sdk-rule'));
}

/* What the SDK makes of an answer that is one string. */
function text(answer) {
	return typeof answer === 'string' ? answer : answer?.body ?? JSON.stringify(answer ?? '');
}

/* All that a gateway needs, from nothing, and away again. */
async function newGateway() {
	const network = await step('create a network', () => client.virtualNetworks.beginCreateOrUpdateAndWait(group, 'sdk-net', {
		location: 'here', addressSpace: { addressPrefixes: ['172.20.0.0/16'] },
		subnets: [{ name: 'GatewaySubnet', addressPrefix: '172.20.255.0/27' }] }, quick));
	const address = await step('create a public address', () => client.publicIPAddresses.beginCreateOrUpdateAndWait(group,
		'sdk-pip', { location: 'here', sku: { name: 'Standard' }, zones: ['1', '2', '3'], publicIPAllocationMethod: 'Static' }, quick));
	expect('it got one of ours', address?.ipAddress === '192.0.2.77', address);
	const subnet = await step('get its subnet', () => client.subnets.get(group, 'sdk-net', 'GatewaySubnet'));
	expect('by its id', subnet?.id === `${prefix}/virtualNetworks/sdk-net/subnets/GatewaySubnet`, subnet);
	const gateway = await step('create a gateway', () => gateways.beginCreateOrUpdateAndWait(group, 'sdk-gw', {
		location: 'here', gatewayType: 'Vpn', vpnType: 'RouteBased', sku: { name: 'VpnGw1AZ', tier: 'VpnGw1AZ' },
		ipConfigurations: [{ name: 'default', subnet: { id: subnet?.id }, publicIPAddress: { id: address?.id } }] }, quick));
	expect('it has what was sent', gateway?.sku?.name === 'VpnGw1AZ' && gateway?.ipConfigurations?.length === 1 &&
		gateway?.active === false, gateway);
	const tagged = await step('change its tags', () => gateways.beginUpdateTagsAndWait(group, 'sdk-gw',
		{ tags: { cost: 'low' } }, quick));
	expect('they are there', tagged?.tags?.cost === 'low', tagged);
	expect('all networks', (await step('list networks of the subscription',
		() => all(client.virtualNetworks.listAll())))?.length === 2);
	await refused('a network that is in use', 409, 'InUseVirtualNetworkCannotBeDeleted',
		() => client.virtualNetworks.beginDeleteAndWait(group, 'sdk-net', quick));
	await step('delete the gateway', () => gateways.beginDeleteAndWait(group, 'sdk-gw', quick));
	await refused('it is gone', 404, 'ResourceNotFound', () => gateways.get(group, 'sdk-gw'));
	await step('delete the address', () => client.publicIPAddresses.beginDeleteAndWait(group, 'sdk-pip', quick));
	await step('delete the network', () => client.virtualNetworks.beginDeleteAndWait(group, 'sdk-net', quick));
}

async function resize(gateway) {
	const bigger = await step('resize the gateway', () => gateways.beginCreateOrUpdateAndWait(group, 'gw',
		{ ...gateway, sku: { name: 'VpnGw2', tier: 'VpnGw2' } }, quick));
	expect('it has the SKU', bigger?.sku?.name === 'VpnGw2', bigger?.sku);
	await refused('not to Basic', 400, 'GatewaySkuChangeNotAllowed', () => gateways.beginCreateOrUpdateAndWait(group,
		'gw', { ...gateway, active: false, enableBgp: false, ipConfigurations: gateway.ipConfigurations.slice(0, 1),
			sku: { name: 'Basic', tier: 'Basic' } }, quick));
	await step('back', () => gateways.beginCreateOrUpdateAndWait(group, 'gw', gateway, quick));
}

async function refusals(gateway, body) {
	await refused('a gateway that is not there', 404, 'ResourceNotFound', () => gateways.get(group, 'nowhere'));
	await refused('an overlap', 400, 'AddressSpaceOverlap', () => sites.beginCreateOrUpdateAndWait(group, 'sdk-site', {
		gatewayIpAddress: '203.0.113.77', localNetworkAddressSpace: { addressPrefixes: ['10.20.3.0/24'] } }, quick));
	await refused('active-active with one IP configuration', 400,
		'ActiveActiveGatewayMustHaveExactlyTwoIpConfigurations', () => gateways.beginCreateOrUpdateAndWait(group, 'gw',
			{ ...gateway, ipConfigurations: gateway.ipConfigurations.slice(0, 1) }, quick));
	await refused('IKEv1, which is not built', 501, 'FeatureNotImplemented',
		() => connections.beginCreateOrUpdateAndWait(group, 'other', { ...body, connectionProtocol: 'IKEv1' }, quick));
	await refused('deleting a site that is in use', 409, 'InUseLocalNetworkGatewayCannotBeDeleted',
		() => sites.beginDeleteAndWait(group, 'sdk-site', quick));
	const other = new NetworkManagementClient({ getToken: async () => ({ token: 'wrong',
		expiresOnTimestamp: Date.now() + 3600e3 }) }, subscription, { endpoint, retryOptions: { maxRetries: 0 } });
	await refused('a wrong token', 401, 'AuthenticationFailed', () => other.virtualNetworkGateways.get(group, 'gw'));
}

async function remove() {
	await step('delete the connection', () => connections.beginDeleteAndWait(group, 'sdk-connection', quick));
	await refused('it is gone', 404, 'ResourceNotFound', () => connections.get(group, 'sdk-connection'));
	await step('delete it again', () => connections.beginDeleteAndWait(group, 'sdk-connection', quick));
	await step('delete the site', () => sites.beginDeleteAndWait(group, 'sdk-site', quick));
	const left = await step('list sites', () => all(sites.list(group)));
	expect('the other one is left', left?.length === 1 && left[0].name === 'branch', left);
}

const gateway = await readGateway();
const site = await createSite();
const body = await createConnection(gateway, site);
await changeConnection(body);
await actions();
await queries();
await natRules(gateway, body);
await newGateway();
await refusals(gateway, body);
await resize(gateway);
await remove();
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);

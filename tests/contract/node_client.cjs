// The most used JavaScript client of Dataverse, unmodified, at services with https: prints what it got as one JSON
// object. Its package is found by NODE_PATH; tokens are those of the services' own tenant.

const { DynamicsWebApi } = require("dynamics-web-api");

const given = JSON.parse(process.argv[2]);
const { root, reading, abbie, abbie_guid: abbieGuid, activity } = given;
const profiles = "msdynci_customerprofiles";
const activities = "msdynci_unifiedactivities";
const nobody = "00000000-0000-4000-8000-00000000dead";
const name = "msdynci_fullname";
const city = "msdynci_city";

async function token(address) {
  const { origin } = new URL(address);
  const form = {
    grant_type: "client_credentials",
    client_id: "topcoat-contributor",
    client_secret: "topcoat-secret",
    scope: `${address}/.default`,
  };
  const answer = await fetch(`${origin}/contoso/oauth2/v2.0/token`, { method: "POST", body: new URLSearchParams(form) });
  return (await answer.json()).access_token;
}

async function client(address, options = {}) {
  const bearer = await token(address);
  return new DynamicsWebApi({
    serverUrl: `${address}/`,
    dataApi: { version: "9.2" },
    onTokenRefresh: async () => bearer,
    ...options,
  });
}

async function failure(call) {
  try {
    return { "not raised": await call() };
  } catch (error) {
    return Array.isArray(error) ? error.map(described) : described(error);
  }
}

// Errors of a batch's parts have the envelope within them, others have its members.
function described({ status, message, code, error }) {
  return { status, ...(error ?? { code, message }) };
}

async function read(api) {
  const newest = {
    property: "msdynci_customer_unifiedactivity",
    select: ["msdynci_activitytime"],
    filter: "msdynci_activitytime gt 2020-01-01T00:00:00Z",
    orderBy: ["msdynci_activitytime desc"],
    top: 2,
  };
  const one = await api.retrieve({ collection: profiles, key: abbieGuid, select: [name, city], expand: [newest] });
  const whole = await api.retrieve({ collection: profiles, key: abbieGuid });
  const page = await api.retrieveMultiple({
    collection: profiles,
    select: [name],
    filter: `${city} ne null`,
    orderBy: [`${name} desc`],
    count: true,
    maxPageSize: 7,
    includeAnnotations: "*",
  });
  const next = await api.retrieveMultiple({ collection: profiles, maxPageSize: 7 }, page.oDataNextLink);
  const all = await api.retrieveAll({ collection: profiles, select: [name], orderBy: [`${name} desc`], maxPageSize: 7 });
  const own = await api.retrieveMultiple({
    collection: activities,
    filter: `_msdynci_lookupfield_customer_value eq {${abbieGuid}}`,
    select: ["msdynci_activitytime"],
    expand: [{ property: "msdynci_lookupfield_customer", select: [name] }],
    top: 2,
  });
  const aliased = await api.retrieveMultiple({
    collection: profiles,
    select: [name],
    filter: `Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)`,
    queryParams: [`@p1='${name}'`, '@p2=["Abbie Moss"]'],
  });
  return {
    one,
    key: await api.retrieve({ collection: profiles, key: `msdynci_customerid='${abbie}'`, select: [name] }),
    partition: await api.retrieve({ collection: profiles, key: abbieGuid, partitionId: abbie, select: [name] }),
    value: await api.retrieve({ collection: profiles, key: abbieGuid, select: [`/${city}`] }),
    navigation: await api.retrieve({
      collection: activities,
      key: activity,
      navigationProperty: "msdynci_lookupfield_customer",
      select: [name],
    }),
    unchanged: (await api.retrieve({ collection: profiles, key: abbieGuid, ifnonematch: whole["@odata.etag"] })) ?? null,
    changed: (await api.retrieve({ collection: profiles, key: abbieGuid, ifnonematch: 'W/"1"' }))[name],
    page,
    next,
    all: all.value.map((row) => row[name]),
    own,
    aliased: aliased.value,
    tracked: await api.retrieveMultiple({ collection: profiles, select: [name], top: 1, trackChanges: true }),
    count: await api.count({ collection: profiles }),
    countOfSome: await api.count({ collection: profiles, filter: `startswith(${name},'a')` }),
    countAll: await api.countAll({ collection: profiles, filter: `startswith(${name},'a')` }),
  };
}

async function describe(api, address) {
  const named = await client(address, { useEntityNames: true });
  const logical = "msdynci_unifiedactivity";
  const key = `LogicalName='${logical}'`;
  const entities = await api.retrieveEntities({ select: ["LogicalName", "EntitySetName"] });
  const entity = await api.retrieveEntity({
    key,
    select: ["SchemaName", "PrimaryIdAttribute"],
    expand: [{ property: "Attributes", select: ["LogicalName"] }],
  });
  const strings = await api.retrieveAttributes({
    entityKey: key,
    castType: "Microsoft.Dynamics.CRM.StringAttributeMetadata",
    select: ["LogicalName", "MaxLength"],
  });
  const relationships = await api.retrieveRelationships({
    castType: "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
    select: ["SchemaName"],
  });
  const csdl = await api.retrieveCsdlMetadata();
  return {
    whoAmI: await api.callFunction("WhoAmI"),
    named: (await named.retrieveMultiple({ collection: "msdynci_customerprofile", top: 3, select: [name] })).value.length,
    entities: entities.value,
    entity: { ...entity, Attributes: entity.Attributes.map((column) => column.LogicalName) },
    strings: Object.fromEntries(strings.value.map((column) => [column.LogicalName, column.MaxLength])),
    attribute: await api.retrieveAttribute({ entityKey: key, attributeKey: "LogicalName='msdynci_title'" }),
    relationships: relationships.value.map((one) => one.SchemaName),
    optionSets: (await api.retrieveGlobalOptionSets()).value,
    csdl: csdl.slice(0, 400),
    sets: [...csdl.matchAll(/<EntitySet Name="(\w+)"/g)].map((match) => match[1]),
  };
}

async function inBatch(api) {
  api.startBatch();
  api.retrieve({ collection: profiles, key: abbieGuid, select: [city] });
  api.retrieveMultiple({ collection: profiles, filter: `${name} eq 'Abbie Moss'`, select: [name] });
  api.count({ collection: profiles });
  api.retrieve({ collection: profiles, key: nobody });
  api.callFunction("WhoAmI");
  const [one, several, count, missing, whoAmI] = await api.executeBatch({ continueOnError: true });
  api.startBatch();
  api.retrieve({ collection: profiles, key: nobody });
  api.retrieve({ collection: profiles, key: abbieGuid });
  return {
    one,
    several: several.value,
    count,
    missing: described(missing),
    user: whoAmI.UserId,
    stopping: await failure(() => api.executeBatch()),
  };
}

async function refused(api) {
  const call = { collection: activities, data: newActivity(abbie) };
  const change = { collection: profiles, key: abbieGuid, data: { [city]: "Rome" } };
  api.startBatch();
  api.update(change);
  return {
    batch: await failure(() => api.executeBatch()),
    create: await failure(() => api.create(call)),
    update: await failure(() => api.update(change)),
    upsert: await failure(() => api.upsert(change)),
    property: await failure(() =>
      api.updateSingleProperty({ collection: profiles, key: abbieGuid, fieldValuePair: { [city]: "Rome" } }),
    ),
    delete: await failure(() => api.deleteRecord({ collection: profiles, key: abbieGuid })),
    action: await failure(() => api.callAction({ actionName: "BulkDelete", action: {} })),
    entity: await failure(() => api.createEntity({ data: { SchemaName: "new_table" } })),
    column: await failure(() => api.retrieve({ collection: profiles, key: abbieGuid, select: ["msdynci_nix"] })),
    nobody: await failure(() => api.retrieve({ collection: profiles, key: nobody })),
    set: await failure(() => api.retrieveMultiple({ collection: "accounts" })),
    fetch: await failure(() => api.fetch({ collection: profiles, fetchXml: "<fetch><entity name='x'/></fetch>" })),
    associate: await failure(() =>
      api.associate({
        collection: profiles,
        primaryKey: abbieGuid,
        relationshipName: "msdynci_customer_unifiedactivity",
        relatedCollection: activities,
        relatedKey: activity,
      }),
    ),
    column_of_row: await failure(() => api.deleteRecord({ collection: profiles, key: abbieGuid, property: city })),
    saved: await failure(() => api.retrieve({ collection: profiles, key: abbieGuid, savedQuery: nobody })),
    search: await failure(() => api.search("Abbie")),
    apply: await failure(() => api.retrieveMultiple({ collection: profiles, apply: "aggregate($count as n)" })),
  };
}

function newActivity(customerId, more = {}) {
  const usual = { msdynci_activitytype: "Call", msdynci_activitytime: "2026-10-01T09:00:00Z" };
  return { msdynci_customerid: customerId, ...usual, ...more };
}

// In columns that no question above is about.
async function written(api, { id, guid }) {
  const created = await api.create({ collection: activities, data: newActivity(id, { msdynci_title: "Ünïcode" }) });
  const returned = await api.create({
    collection: activities,
    data: newActivity(id, { ttlinseconds: 60 }),
    returnRepresentation: true,
    select: ["msdynci_activitytype", "ttlinseconds"],
  });
  const updated = await api.update({ collection: profiles, key: guid, data: { msdynci_addressline1: "Calle 1" } });
  const upserted = await api.upsert({ collection: profiles, key: guid, data: { msdynci_country: "Ecuador" } });
  api.startBatch();
  api.update({ collection: profiles, key: guid, data: { msdynci_postalcode: "QUITO 1" } });
  api.create({ collection: activities, data: newActivity(id, { msdynci_title: "in a batch" }) });
  const batch = await api.executeBatch();
  const columns = ["msdynci_addressline1", "msdynci_country", "msdynci_postalcode"];
  return {
    created: await api.retrieve({ collection: activities, key: created, select: ["msdynci_title"] }),
    returned,
    updated,
    isUpserted: upserted === guid,
    profile: await api.retrieve({ collection: profiles, key: guid, select: columns }),
    isBatchUpdated: batch[0],
    inBatch: await api.retrieve({ collection: activities, key: batch[1], select: ["msdynci_title"] }),
  };
}

async function main() {
  const api = await client(reading);
  const got = {
    read: await read(api),
    byInstance: await (await client(`${reading}/dataverse/${given.instance}`)).count({ collection: profiles }),
    described: await describe(api, reading),
    batch: await inBatch(api),
    refused: await refused(api),
    written: await written(await client(root), given.customers[3]),
  };
  process.stdout.write(JSON.stringify(got));
}

main();

"""How Contoso Coffee tells its people apart: rules that forgive what is misheard, mistyped and out of date."""

from typing import Final

from topcoat.sample.tables import ACCOUNTS, CONTACTS, MEMBERS

LINES: Final = f"""\
unification:
  tables: [{CONTACTS.name}, {MEMBERS.name}]
  matching:
    - name: Same mail
      table: {MEMBERS.name}
      other_table: {CONTACTS.name}
      conditions:
        - {{column: EMail, normalize: [whitespace, case]}}
    - name: Same birthday and a name alike
      table: {MEMBERS.name}
      other_table: {CONTACTS.name}
      conditions:
        - {{column: DateOfBirth}}
        - {{column: LastName, normalize: [case, unicode], precision: high}}
        - {{column: FirstName, normalize: [case, unicode], precision: low}}
    - name: Same telephone and name
      table: {MEMBERS.name}
      other_table: {CONTACTS.name}
      conditions:
        - {{column: Telephone, normalize: [phone], region: US}}
        - {{column: FirstName, normalize: [case, unicode], precision: medium}}
      exceptions:
        - {{column: DateOfBirth, differs: true}}
    - name: Same address and name
      table: {MEMBERS.name}
      other_table: {CONTACTS.name}
      conditions:
        - {{column: AddressLine1, normalize: [address]}}
        - {{column: PostalCode, normalize: [whitespace, case]}}
        - {{column: FirstName, normalize: [case, unicode], precision: medium}}
      exceptions:
        - {{column: DateOfBirth, differs: true}}
  columns:
    FullName: {{join: [FirstName, LastName]}}
    CustomerSince: {{sources: {{{CONTACTS.name}: CreatedOn, {MEMBERS.name}: EnrolledOn}}}}
  groups:
    - {{columns: [AddressLine1, City, PostalCode, Country]}}
  exclude: [EnrolledAt]
enrichment:
  standardize:
    EMail: {{kind: email}}
    Telephone: {{kind: phone, region: US}}
  reference:
    - table: {ACCOUNTS.name}
      match: {{EMail: Email}}
      normalize: [whitespace, case]
      columns: {{TotalSpend: TotalSpend}}""".splitlines()

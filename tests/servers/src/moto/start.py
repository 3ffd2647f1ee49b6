"""Starts moto's server with DynamoDB's transactions, the staging labels of Secrets Manager and the writes of parameters mended.

moto copies the whole table before each transaction, and puts the copy back when the transaction is cancelled, with
whatever others have written meanwhile; requests that meet break the copying. Here requests to DynamoDB take turns, as
if each were atomic, which is what AWS promises, and only the items that a transaction names are put back.

moto takes every label from the version that was written last, and lets a version keep AWSCURRENT that got it by a
rollback. AWS moves AWSCURRENT and AWSPREVIOUS, each of which one version has, and leaves the labels of users alone.

moto keeps the key of a parameter that is written over, and writes and deletes parameters by ARN. AWS takes the account's
own key where none is named, and knows parameters by name alone where it writes.

moto also sorts all items of a table for each query, and looks for each of the ten types of each attribute in an answer
under several names. Here a query sees the items of its partition only, in order, and the usual types go out as they are.
"""

import copy
import functools
import sys
import threading
import types

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models, responses
from moto.dynamodb.models import DynamoDBBackend, Table
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.secretsmanager.models import FakeSecret
from moto.server import main
from moto.ssm.exceptions import ValidationException
from moto.ssm.models import SimpleSystemManagerBackend

turn = threading.RLock()


def in_turn(function):
    @functools.wraps(function)
    def one_at_a_time(*arguments, **named):
        with turn:
            return function(*arguments, **named)

    return one_at_a_time


def transact_write_items(self, transact_items):
    before = [image for item in transact_items for image in images(self, item)]
    try:
        return transact(self, transact_items)
    except Exception:
        for siblings, key, item in before:
            if item is None:
                siblings.pop(key, None)
            else:
                siblings[key] = item
        raise


def images(backend, item):
    """Where the item of one action stands, under which key, and what it is."""
    for operation in item.values():
        table = backend.tables.get(operation.get("TableName"))
        named = operation.get("Key") or operation.get("Item") or {}
        if table is None or table.hash_key_attr not in named:
            continue
        key = DynamoType(named[table.hash_key_attr])
        siblings = table.items
        if table.range_key_attr is not None:
            if table.range_key_attr not in named:
                continue
            siblings, key = siblings[key], DynamoType(named[table.range_key_attr])
        yield siblings, key, copy.deepcopy(siblings.get(key))


def deepcopy(value, *rest):
    return value if isinstance(value, Table) else copy.deepcopy(value, *rest)


def reset_default_version(self, secret_version, version_id):
    users = {}
    for id, version in self.versions.items():
        if "AWSCURRENT" in version["version_stages"]:
            self.default_version_id = id
        users[id] = [stage for stage in version["version_stages"] if not stage.startswith("AWS")]
    reset(self, secret_version, version_id)
    for id, stages in users.items():
        if id != version_id:
            kept = self.versions[id]["version_stages"]
            kept.extend(stage for stage in stages if stage not in kept)


reset = FakeSecret.reset_default_version
FakeSecret.reset_default_version = reset_default_version


def put_parameter(self, name, description, value, parameter_type, allowed_pattern, keyid, *rest, **named):
    no_arn(name)
    if keyid is None and parameter_type == "SecureString":
        keyid = "alias/aws/ssm"
    return put(self, name, description, value, parameter_type, allowed_pattern, keyid, *rest, **named)


def delete_parameter(self, name):
    no_arn(name)
    return delete(self, name)


def no_arn(name):
    if ":" in name:
        raise ValidationException("Parameter name: can't be an ARN")


put, delete = SimpleSystemManagerBackend.put_parameter, SimpleSystemManagerBackend.delete_parameter
SimpleSystemManagerBackend.put_parameter = put_parameter
SimpleSystemManagerBackend.delete_parameter = delete_parameter


def query(self, hash_key, *arguments, **named):
    index_name = arguments[6] if len(arguments) > 6 else named.get("index_name")
    if index_name is not None or self.range_key_attr is None:
        return query_all(self, hash_key, *arguments, **named)
    # Nobody else looks at the table meanwhile: requests take turns.
    every = self.items
    here = every.get(hash_key, {})
    self.items = {hash_key: dict(sorted(here.items(), key=lambda entry: entry[0].value))}
    try:
        return query_all(self, hash_key, *arguments, **named)
    finally:
        self.items = every


def structure(self, serialized, value, shape, key):
    if shape.name == "AttributeValue" and isinstance(value, dict) and value.keys() <= AS_THEY_ARE:
        self._default_serialize(serialized, value, shape, key)
    else:
        structure_of_any(self, serialized, value, shape, key)


AS_THEY_ARE = {"S", "N", "BOOL", "SS"}
structure_of_any = BaseJSONSerializer._serialize_type_structure
BaseJSONSerializer._serialize_type_structure = structure
query_all = Table.query
Table.query = query
transact = DynamoDBBackend.transact_write_items
DynamoDBBackend.transact_write_items = transact_write_items
models.copy = types.SimpleNamespace(deepcopy=deepcopy, copy=copy.copy)
responses.DynamoHandler.call_action = in_turn(responses.DynamoHandler.call_action)

sys.exit(main())

#!/usr/bin/env python3
"""schema_check.py FILE...: holds qlog files against the schemas they name.

The rules below say in data what the CDDL of draft-ietf-quic-qlog-main-schema-14,
draft-ietf-quic-qlog-quic-events-13 and draft-ietf-quic-qlog-h3-events-13 says: which fields an
event has, which of them it must have, and what may stand in them. A field that is in no schema is
an error; those of hawser's own schema stand in lists of their own, marked OURS.
"""
import json
import re
import sys


class Required:
    def __init__(self, check):
        self.check = check


def uint(bits):
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 2**bits


u8, u16, u32, u64 = uint(8), uint(16), uint(32), uint(64)


def number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def text(v):
    return isinstance(v, str)


def flag(v):
    return isinstance(v, bool)


def hexstring(v):
    return isinstance(v, str) and re.fullmatch(r"([0-9a-f]{2})*", v) is not None


def one_of(*words):
    return lambda v: v in words


def array(check, least=0):
    return lambda v: isinstance(v, list) and len(v) >= least and all(check(x) for x in v)


def explain(value, fields, where):
    """The first thing that is wrong with an object, or None."""
    if not isinstance(value, dict):
        return f"{where} is no object"
    for name, rule in fields.items():
        if isinstance(rule, Required) and name not in value:
            return f"{where}.{name} is missing"
    for name, inner in value.items():
        rule = fields.get(name)
        if rule is None:
            return f"{where}.{name} is in no schema"
        check = rule.check if isinstance(rule, Required) else rule
        if isinstance(check, dict):
            wrong = explain(inner, check, f"{where}.{name}")
            if wrong:
                return wrong
        elif getattr(check, "explains", False):
            wrong = check(inner, f"{where}.{name}")
            if wrong:
                return wrong
        elif not check(inner):
            return f"{where}.{name} is {json.dumps(inner)[:80]}"
    return None


def explains(function):
    function.explains = True
    return function


INITIATOR = one_of("local", "remote")
VERSION = hexstring
CID = hexstring
RAW = {"length": u64, "payload_length": u64, "data": hexstring}
TUPLE_END = {"ip_v4": text, "port_v4": u16, "ip_v6": text, "port_v6": u16, "connection_ids": array(CID, 1)}
PACKET_TYPE = one_of("initial", "handshake", "0RTT", "1RTT", "retry", "version_negotiation", "stateless_reset", "unknown")
SPACE = one_of("initial", "handshake", "application_data")
TOKEN = {"type": one_of("retry", "resumption"), "details": lambda v: isinstance(v, dict), "raw": RAW}
RESET_TOKEN = lambda v: hexstring(v) and len(v) == 32
HEADER = {
    "packet_type": Required(PACKET_TYPE), "packet_type_bytes": u64, "spin_bit": flag, "key_phase": u64,
    "key_phase_bit": flag, "packet_number_length": u8, "packet_number": u64, "token": TOKEN, "length": u16,
    "version": VERSION, "scil": u8, "dcil": u8, "scid": CID, "dcid": CID,
    "path_id": u64,  # OURS: multipath
}
TRANSPORT_ERRORS = {
    "no_error", "internal_error", "connection_refused", "flow_control_error", "stream_limit_error",
    "stream_state_error", "final_size_error", "frame_encoding_error", "transport_parameter_error",
    "connection_id_limit_error", "protocol_violation", "invalid_token", "application_error",
    "crypto_buffer_exceeded", "key_update_error", "aead_limit_reached", "no_viable_path", "unknown"}
HTTP3_ERRORS = {
    "http_no_error", "http_general_protocol_error", "http_internal_error", "http_stream_creation_error",
    "http_closed_critical_stream", "http_frame_unexpected", "http_frame_error", "http_excessive_load",
    "http_id_error", "http_settings_error", "http_missing_settings", "http_request_rejected",
    "http_request_cancelled", "http_request_incomplete", "http_early_response", "http_connect_error",
    "http_version_fallback"}


def transport_error(v):
    return v in TRANSPORT_ERRORS or (text(v) and re.fullmatch(r"crypto_error_0x1[0-9a-f]{2}", v) is not None)


def application_error(v):
    return v == "unknown" or v in HTTP3_ERRORS


STREAM_TYPE = one_of("unidirectional", "bidirectional")
ACK_RANGE = lambda v: isinstance(v, list) and 1 <= len(v) <= 2 and all(u64(n) for n in v) and v == sorted(v)
RESET = {"stream_id": Required(u64), "error": Required(application_error), "error_code": u64, "raw": RAW}
FRAMES = {
    "padding": {}, "ping": {}, "handshake_done": {}, "datagram": {},
    "ack": {"ack_delay": number, "acked_ranges": array(ACK_RANGE, 1), "ect1": u64, "ect0": u64, "ce": u64,
            "receive_timestamp_count": u64},  # OURS: the last
    "reset_stream": {**RESET, "final_size": Required(u64)},
    "reset_stream_at": {**RESET, "final_size": Required(u64), "reliable_size": Required(u64)},
    "stop_sending": RESET,
    "crypto": {"offset": Required(u64), "raw": Required(RAW)},
    "new_token": {"token": Required(TOKEN)},
    "stream": {"stream_id": Required(u64), "offset": u64, "fin": flag},
    "max_data": {"maximum": Required(u64)},
    "max_stream_data": {"stream_id": Required(u64), "maximum": Required(u64)},
    "max_streams": {"stream_type": Required(STREAM_TYPE), "maximum": Required(u64)},
    "data_blocked": {"limit": Required(u64)},
    "stream_data_blocked": {"stream_id": Required(u64), "limit": Required(u64)},
    "streams_blocked": {"stream_type": Required(STREAM_TYPE), "limit": Required(u64)},
    "new_connection_id": {"sequence_number": Required(u64), "retire_prior_to": Required(u64),
                          "connection_id_length": u8, "connection_id": Required(CID),
                          "stateless_reset_token": RESET_TOKEN},
    "retire_connection_id": {"sequence_number": Required(u64)},
    "path_challenge": {"data": hexstring}, "path_response": {"data": hexstring},
    "connection_close": {"error_space": one_of("transport", "application"),
                         "error": lambda v: transport_error(v) or application_error(v), "error_code": u64,
                         "reason": text, "reason_bytes": hexstring,
                         "trigger_frame_type": lambda v: u64(v) or text(v)},
    "unknown": {"frame_type_bytes": Required(u64)},
}


@explains
def quic_frames(value, where):
    if not isinstance(value, list):
        return f"{where} is no array"
    for i, frame in enumerate(value):
        kind = frame.get("frame_type") if isinstance(frame, dict) else None
        if not text(kind):
            return f"{where}[{i}] has no frame_type"
        # A frame is any map that names its type: those of extensions are not looked into.
        if kind in FRAMES:
            wrong = explain(frame, {"frame_type": text, "raw": RAW, **FRAMES[kind]}, f"{where}[{i}]")
            if wrong:
                return wrong
    return None


HEADERS = array(lambda f: explain(f, {"name": text, "name_bytes": hexstring, "value": text, "value_bytes": hexstring},
                                  "field") is None)
SETTING_NAMES = one_of("settings_qpack_max_table_capacity", "settings_max_field_section_size",
                       "settings_qpack_blocked_streams", "settings_enable_connect_protocol", "settings_h3_datagram",
                       "reserved", "unknown")
SETTINGS = array(lambda s: explain(s, {"name": SETTING_NAMES, "name_bytes": u64, "value": Required(u64)}, "s") is None)
HTTP3_FRAMES = {
    "data": {}, "headers": {"headers": Required(HEADERS)}, "cancel_push": {"push_id": Required(u64)},
    "settings": {"settings": Required(SETTINGS)},
    "push_promise": {"push_id": Required(u64), "headers": Required(HEADERS)},
    "goaway": {"id": Required(u64)}, "max_push_id": {"push_id": Required(u64)},
    "reserved": {"frame_type_bytes": Required(u64)}, "unknown": {"frame_type_bytes": Required(u64)},
    "priority_update": {"stream_id": u64, "push_id": u64, "priority_field_value": Required(text)},
}


@explains
def http3_frame(value, where):
    kind = value.get("frame_type") if isinstance(value, dict) else None
    if kind not in HTTP3_FRAMES:
        return f"{where} has frame_type {kind!r}"
    return explain(value, {"frame_type": text, "raw": RAW, **HTTP3_FRAMES[kind]}, where)


CONNECTION_STATE = one_of("attempted", "handshake_started", "handshake_complete", "closed", "peer_validated",
                          "early_write", "handshake_confirmed", "closing", "draining")
STREAM_STATE = one_of("idle", "open", "closed", "half_closed_local", "half_closed_remote", "ready", "send", "data_sent",
                      "reset_sent", "reset_received", "receive", "size_known", "data_read", "reset_read",
                      "data_received", "destroyed")
LOCATION = one_of("application", "transport", "network")
BLOCKED = one_of("blocked", "unblocked")
BLOCKED_REASON = one_of("scheduling", "pacing", "amplification_protection", "congestion_control",
                        "connection_flow_control", "stream_flow_control", "stream_id", "application")
MIGRATION = one_of("probing_started", "probing_abandoned", "probing_successful", "migration_started",
                   "migration_abandoned", "migration_complete")
KEY_TYPE = one_of(*(f"{side}_{level}_secret" for side in ("server", "client")
                    for level in ("initial", "handshake", "0rtt", "1rtt")))
ECN_STATE = one_of("testing", "unknown", "failed", "capable")
ECN = one_of("Not-ECT", "ECT(1)", "ECT(0)", "CE")
PARAMETERS = {
    "disable_active_migration": flag, "max_idle_timeout": u64, "max_udp_payload_size": u64,
    "active_connection_id_limit": u64, "initial_max_data": u64, "initial_max_stream_data_bidi_local": u64,
    "initial_max_stream_data_bidi_remote": u64, "initial_max_stream_data_uni": u64, "initial_max_streams_bidi": u64,
    "initial_max_streams_uni": u64, "max_datagram_frame_size": u64, "grease_quic_bit": flag}
KEYS = {"key_type": Required(KEY_TYPE), "key_phase": u64, "trigger": one_of("tls", "remote_update", "local_update")}
DATAGRAMS = {"count": u16, "raw": array(lambda r: explain(r, RAW, "raw") is None, 1), "ecn": array(ECN, 1),
             "datagram_payload_checksums": array(u32, 1)}
HTTP3_PARAMETERS = {"max_field_section_size": u64, "max_table_capacity": u64, "blocked_streams_count": u64,
                    "extended_connect": u16, "h3_datagram": u16}

EVENTS = {
    "quic:server_listening": {"ip_v4": text, "port_v4": u16, "ip_v6": text, "port_v6": u16, "retry_required": flag},
    "quic:connection_started": {"local": Required(TUPLE_END), "remote": Required(TUPLE_END)},
    "quic:connection_closed": {"initiator": INITIATOR, "connection_error": transport_error,
                               "application_error": application_error, "error_code": u64, "internal_code": u64,
                               "reason": text,
                               "trigger": one_of("idle_timeout", "application", "error", "version_mismatch",
                                                 "stateless_reset", "aborted", "unspecified")},
    "quic:connection_id_updated": {"initiator": Required(INITIATOR), "old": CID, "new": CID},
    "quic:spin_bit_updated": {"state": Required(flag)},
    "quic:connection_state_updated": {"old": CONNECTION_STATE, "new": Required(CONNECTION_STATE)},
    "quic:tuple_assigned": {"tuple_id": Required(text), "tuple_remote": TUPLE_END, "tuple_local": TUPLE_END},
    "quic:mtu_updated": {"old": u32, "new": Required(u32), "done": flag},
    "quic:version_information": {"server_versions": array(VERSION, 1), "client_versions": array(VERSION, 1),
                                 "chosen_version": VERSION},
    "quic:alpn_information": {"server_alpns": array(lambda v: isinstance(v, dict)),
                              "client_alpns": array(lambda v: isinstance(v, dict)),
                              "chosen_alpn": {"byte_value": hexstring, "string_value": text}},
    "quic:parameters_set": {**PARAMETERS, "initiator": INITIATOR, "resumption_allowed": flag,
                            "early_data_enabled": flag, "tls_cipher": text, "original_destination_connection_id": CID,
                            "initial_source_connection_id": CID, "retry_source_connection_id": CID,
                            "stateless_reset_token": RESET_TOKEN, "ack_delay_exponent": u64, "max_ack_delay": u64,
                            "preferred_address": lambda v: isinstance(v, dict),
                            "unknown_parameters": array(lambda v: isinstance(v, dict)), "reset_stream_at": flag,
                            "min_ack_delay": u64, "address_discovery": u64,
                            "max_receive_timestamps_per_ack": u64, "fec": u64},  # OURS: the last four
    "quic:parameters_restored": {**PARAMETERS},
    "quic:packet_sent": {"header": Required(HEADER), "frames": quic_frames, "stateless_reset_token": RESET_TOKEN,
                         "supported_versions": array(VERSION, 1), "raw": RAW, "datagram_payload_checksum": u32,
                         "is_mtu_probe_packet": flag,
                         "trigger": one_of("retransmit_reordered", "retransmit_timeout", "pto_probe",
                                           "retransmit_crypto", "cc_bandwidth_probe"),
                         "ecn": ECN},  # OURS: the last
    "quic:packet_received": {"header": Required(HEADER), "frames": quic_frames, "stateless_reset_token": RESET_TOKEN,
                             "supported_versions": array(VERSION, 1), "raw": RAW, "datagram_payload_checksum": u32,
                             "trigger": one_of("keys_available"), "ecn": ECN},  # OURS: the last
    "quic:packet_dropped": {"header": HEADER, "raw": RAW, "datagram_payload_checksum": u32,
                            "details": lambda v: isinstance(v, dict),
                            "trigger": one_of("internal_error", "rejected", "unsupported", "invalid", "duplicate",
                                              "connection_unknown", "decryption_failure", "key_unavailable",
                                              "general")},
    "quic:packet_buffered": {"header": HEADER, "raw": RAW, "datagram_payload_checksum": u32,
                             "trigger": one_of("backpressure", "keys_unavailable")},
    "quic:packets_acked": {"packet_number_space": SPACE, "packet_numbers": array(u64, 1),
                           "count": u64, "path_id": u64},  # OURS: the last two
    "quic:udp_datagrams_sent": DATAGRAMS,
    "quic:udp_datagrams_received": DATAGRAMS,
    "quic:udp_datagram_dropped": {"raw": RAW, "reason": text},  # OURS: reason
    "quic:stream_state_updated": {"stream_id": Required(u64), "stream_type": STREAM_TYPE, "old": STREAM_STATE,
                                  "new": Required(STREAM_STATE),
                                  "stream_side": Required(one_of("sending", "receiving")),
                                  "trigger": one_of("local", "remote")},
    "quic:stream_data_moved": {"stream_id": u64, "offset": u64, "from": LOCATION, "to": LOCATION,
                               "additional_info": one_of("fin_set", "stream_reset"), "raw": RAW},
    "quic:datagram_data_moved": {"from": LOCATION, "to": LOCATION, "raw": RAW},
    "quic:connection_data_blocked_updated": {"old": BLOCKED, "new": Required(BLOCKED), "reason": BLOCKED_REASON},
    "quic:stream_data_blocked_updated": {"old": BLOCKED, "new": Required(BLOCKED), "stream_id": Required(u64),
                                         "reason": BLOCKED_REASON},
    "quic:migration_state_updated": {"old": MIGRATION, "new": Required(MIGRATION), "tuple_id": text,
                                     "tuple_remote": TUPLE_END, "tuple_local": TUPLE_END},
    "quic:timer_updated": {"timer_type": text, "timer_id": u64, "packet_number_space": SPACE,
                           "event_type": Required(one_of("set", "expired", "cancelled")), "delta": number},
    "quic:key_updated": KEYS,
    "quic:key_discarded": KEYS,
    "quic:recovery_parameters_set": {"reordering_threshold": u16, "time_threshold": number,
                                     "timer_granularity": Required(u16), "initial_rtt": number,
                                     "max_datagram_size": u32, "initial_congestion_window": u64,
                                     "minimum_congestion_window": u64, "loss_reduction_factor": number,
                                     "persistent_congestion_threshold": u16, "congestion_control": text},  # OURS: last
    "quic:recovery_metrics_updated": {"min_rtt": number, "smoothed_rtt": number, "latest_rtt": number,
                                      "rtt_variance": number, "pto_count": u16, "congestion_window": u64,
                                      "bytes_in_flight": u64, "ssthresh": u64, "packets_in_flight": u64,
                                      "pacing_rate": u64, "path_id": u64},  # OURS: the last
    "quic:congestion_state_updated": {"old": text, "new": Required(text), "trigger": text,
                                      "path_id": u64},  # OURS: the last
    "quic:packet_lost": {"header": HEADER, "frames": quic_frames, "is_mtu_probe_packet": flag,
                         "trigger": one_of("reordering_threshold", "time_threshold", "pto_expired"),
                         "raw": RAW},  # OURS: the last
    "quic:marked_for_retransmit": {"frames": Required(quic_frames)},
    "quic:ecn_state_updated": {"old": ECN_STATE, "new": Required(ECN_STATE)},
    "http3:parameters_set": {**HTTP3_PARAMETERS, "initiator": INITIATOR, "waits_for_settings": flag},
    "http3:parameters_restored": HTTP3_PARAMETERS,
    "http3:stream_type_set": {"initiator": INITIATOR, "stream_id": Required(u64),
                              "stream_type": Required(one_of("request", "control", "push", "reserved", "unknown",
                                                             "qpack_encode", "qpack_decode")),
                              "stream_type_bytes": u64, "associated_push_id": u64},
    "http3:priority_updated": {"stream_id": u64, "push_id": u64, "old": text, "new": Required(text),
                               "trigger": one_of("client_signal_received", "local", "other"),
                               "reason": one_of("client_signal_only", "client_server_merged", "local_policy",
                                                "other")},
    "http3:frame_created": {"stream_id": Required(u64), "frame": Required(http3_frame)},
    "http3:frame_parsed": {"stream_id": Required(u64), "frame": Required(http3_frame)},
    "http3:datagram_created": {"quarter_stream_id": Required(u64), "raw": RAW},
    "http3:datagram_parsed": {"quarter_stream_id": Required(u64), "raw": RAW},
}

FILE = {
    "file_schema": Required(one_of("urn:ietf:params:qlog:file:sequential")),
    "serialization_format": Required(one_of("application/qlog+json-seq")), "title": text, "description": text,
    "trace": Required({
        "title": text, "description": text,
        "common_fields": {"tuple": text, "time_format": one_of("relative_to_epoch", "relative_to_previous_event"),
                          "reference_time": {"clock_type": text, "epoch": Required(text), "wall_clock_time": text},
                          "group_id": text},
        "vantage_point": {"name": text, "type": Required(one_of("client", "server", "network", "unknown")),
                          "flow": one_of("client", "server", "unknown")},
        "event_schemas": Required(array(text, 1))}),
}
EVENT = {"time": Required(number), "name": Required(text), "data": Required(lambda v: isinstance(v, dict)),
         "tuple": text, "time_format": text, "group_id": text, "system_info": lambda v: isinstance(v, dict)}


def schema_of(name):
    return {"quic": "urn:ietf:params:qlog:events:quic-13", "http3": "urn:ietf:params:qlog:events:http3-13",
            "hawser": "urn:hawser:qlog:events:hawser"}.get(name.split(":")[0])


def check_event(event, schemas):
    wrong = explain(event, EVENT, "event")
    if wrong:
        return wrong
    name = event["name"]
    if schema_of(name) not in schemas:
        return f"{name} is of no schema that the file names"
    if name.startswith("hawser:"):
        return None
    if name not in EVENTS:
        return f"{name} is no event of its schema"
    return explain(event["data"], EVENTS[name], name)


def once(pairs):
    seen = dict(pairs)
    if len(seen) != len(pairs):
        raise ValueError("a member stands twice in one object")
    return seen


def check_file(path, counts):
    """Yields what is wrong."""
    with open(path, "rb") as file:
        schemas, last = None, None
        for number_of_line, line in enumerate(file, 1):
            where = f"{path}:{number_of_line}"
            if not line.startswith(b"\x1e") or not line.endswith(b"\n"):
                yield f"{where}: a record is 0x1E, one line of JSON, 0x0A"
                return
            try:
                record = json.loads(line[1:].decode("utf-8"), object_pairs_hook=once)
            except ValueError as error:
                yield f"{where}: {error}"
                continue
            if schemas is None:
                wrong = explain(record, FILE, "file")
                if wrong:
                    yield f"{where}: {wrong}"
                    return
                schemas = record["trace"]["event_schemas"]
                continue
            wrong = check_event(record, schemas)
            if wrong:
                yield f"{where}: {wrong}"
                continue
            if last is not None and record["time"] < last:
                # The gap of a ring is told at the time at which it was written.
                if record["name"] != "hawser:records_dropped":
                    yield f"{where}: time goes back"
            if record["name"] != "hawser:records_dropped":
                last = record["time"]
            counts[record["name"]] = counts.get(record["name"], 0) + 1


def main():
    arguments = sys.argv[1:]
    wanted = []
    while arguments and arguments[0] == "--expect":
        wanted += arguments[1].split(",")
        arguments = arguments[2:]
    counts, faults = {}, 0
    for path in arguments:
        for fault in check_file(path, counts):
            faults += 1
            if faults <= 20:
                print(fault)
    for name in wanted:
        if name not in counts:
            faults += 1
            print(f"no {name} in any file")
    print(f"{len(arguments)} files, {sum(counts.values())} events of {len(counts)} kinds, {faults} faults")
    return 1 if faults or not arguments else 0


if __name__ == "__main__":
    sys.exit(main())

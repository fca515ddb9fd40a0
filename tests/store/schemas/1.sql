BEGIN TRANSACTION;
CREATE TABLE alerts (
	rule_key VARCHAR(500) NOT NULL, 
	fingerprint VARCHAR(16) NOT NULL, 
	alert TEXT NOT NULL, 
	PRIMARY KEY (rule_key, fingerprint)
);
CREATE TABLE deliveries (
	id INTEGER NOT NULL, 
	outbox_id INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	accepted INTEGER NOT NULL, 
	answer TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "deliveries" VALUES(1,1,1,1763700061.0,1,'ok');
CREATE TABLE facts (
	name VARCHAR(100) NOT NULL, 
	value TEXT NOT NULL, 
	updated_at FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "facts" VALUES('alive','1763800000.0',1763800000.0);
CREATE TABLE held (
	fingerprint VARCHAR(16) NOT NULL, 
	receiver VARCHAR(200) NOT NULL, 
	fired FLOAT NOT NULL, 
	alertname VARCHAR(500) NOT NULL, 
	reason VARCHAR(100) NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (fingerprint, receiver, fired)
);
INSERT INTO "held" VALUES('00000000000000aa','phone',1763700060.0,'BatteryAtReserve','silenced',1763700060.0);
CREATE TABLE incidents (
	id INTEGER NOT NULL, 
	fingerprint VARCHAR(16) NOT NULL, 
	alertname VARCHAR(500) NOT NULL, 
	labels TEXT NOT NULL, 
	annotations TEXT NOT NULL, 
	source VARCHAR(20) NOT NULL, 
	started FLOAT NOT NULL, 
	fired FLOAT NOT NULL, 
	ended FLOAT, 
	value FLOAT, 
	PRIMARY KEY (id)
);
INSERT INTO "incidents" VALUES(1,'00000000000000aa','BatteryAtReserve','{"alertname":"BatteryAtReserve"}','{}','rules',1763700000.0,1763700060.0,1763703600.0,9.5);
CREATE TABLE ledger (
	site VARCHAR(200) NOT NULL, 
	start INTEGER NOT NULL, 
	flow VARCHAR(40) NOT NULL, 
	wh FLOAT NOT NULL, 
	measured_s FLOAT NOT NULL, 
	estimated_s FLOAT NOT NULL, 
	peak FLOAT, 
	peak_at FLOAT, 
	low FLOAT, 
	low_at FLOAT, 
	at_reserve_s FLOAT NOT NULL, 
	PRIMARY KEY (site, start, flow)
)
 WITHOUT ROWID

;
INSERT INTO "ledger" VALUES('home',1763700300,'production',250.0,900.0,0.0,1100.0,1763700400.0,950.0,1763700800.0,0.0);
CREATE TABLE notification_log (
	group_key TEXT NOT NULL, 
	receiver VARCHAR(200) NOT NULL, 
	entry TEXT NOT NULL, 
	updated_at FLOAT NOT NULL, 
	PRIMARY KEY (group_key, receiver)
);
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	receiver VARCHAR(200) NOT NULL, 
	destination VARCHAR(64) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	dedup_key VARCHAR(300) NOT NULL, 
	message BLOB NOT NULL, 
	title TEXT NOT NULL, 
	reason VARCHAR(100) NOT NULL, 
	created_at FLOAT NOT NULL, 
	due_at FLOAT NOT NULL, 
	not_after FLOAT, 
	attempts INTEGER NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	finished_at FLOAT, 
	answer TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (dedup_key)
);
INSERT INTO "outbox" VALUES(1,'phone','k1','alert','d1',X'7B7D','t','first notification',1763700060.0,1763700060.0,NULL,1,'sent',1763700061.0,'ok');
CREATE TABLE reports (
	name VARCHAR(200) NOT NULL, 
	period_start FLOAT NOT NULL, 
	created_at FLOAT NOT NULL, 
	report TEXT NOT NULL, 
	PRIMARY KEY (name, period_start)
);
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE INDEX incidents_by_time ON incidents (fired);
CREATE INDEX incidents_by_alert ON incidents (fingerprint, fired);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_finished ON outbox (finished_at);
CREATE INDEX deliveries_by_row ON deliveries (outbox_id);
COMMIT;

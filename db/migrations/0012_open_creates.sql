DROP INDEX "intents_source";--> statement-breakpoint
CREATE INDEX "intents_source" ON "intents" USING btree ("link_id","side","source_id") WHERE action = 'create';
ALTER TABLE "issues" ADD COLUMN "ignored_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "issues" ADD COLUMN "ignored_by" text;--> statement-breakpoint
ALTER TABLE "issues" ADD COLUMN "ignore_reason" text;--> statement-breakpoint
ALTER TABLE "issues" ADD COLUMN "ignored_until" timestamp with time zone;
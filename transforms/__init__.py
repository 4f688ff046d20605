"""The record, the five verbs and the nouns they use.

The record     schema (fields), arrow_schema, settings (config keys), reject (reasons), tally (counts), interrupt

fetch          http_client, received, decoding, answers, request_urls, addresses, politeness, robots, opt_outs;
               crawler and background (one loop a process); feed_poller and polling (when and how a feed is asked);
               feeds, feed_entries, json_feeds, sitemaps, opml, discovery (what feeds say); dates; warc, erasure (pages
               kept)

clean          extraction (a page to an article); charset, sniffing, page_tree, plain_text (its bytes); json_ld,
               page_meta, metadata, title, bylines, page_authors, page_bylines, page_dates, language, claims (what it
               says of itself);
               story, sifting, boilerplate, host_rules, placeholders (what is the article); dateline; workers, child
               and allocator (the processes it runs in, and their memory)

deduplicate    hosts, url_rules, urls (which article an address names); reading, signatures (texts to compare);
               postings, segments, segment_files, near_index (earlier texts); host_pages (lines that a publisher
               repeats); memory (what earlier runs know); versions (what changed); recognition (known or new); copies,
               clusters (whom one copies); assignment (all of it, one after another); joins and joined (the same by
               keys, on many machines)

tag            taggers (the chain); wordlists, lexicons/ (the words); folding, remembered, tokens (how a text is read);
               mentions, gazetteer, country_words, inflection, surroundings, neighbours, place_judge, passing,
               geography (countries and places); name_tokens, name_lexicon, name_tables, name_runs, name_rules, names
               (people and organisations); topic_terms, topics, topic_model; quotes, speakers; text_keywords,
               reading_stats; model_taggers (models of the user)

write          partitions (rows to part files); delivery (what a batch or window hands over to be committed)

on engines     gather (values by key, through files)

unbounded      watch (the source of `newsbeam stream` on an engine: ticks, polls, entries); seen (entries seen before)
"""
